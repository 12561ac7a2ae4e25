import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.Properties;

/** Arguments: host:port, login, password, shop. Prints a row of daily_sales a line, then the error of a write. */
public class ReadSales {
    public static void main(String[] given) throws Exception {
        Properties login = new Properties();
        login.setProperty("user", given[1]);
        login.setProperty("password", given[2]);
        String url = "jdbc:clickhouse://" + given[0] + "/shopstream_bi";
        String query = "SELECT local_date, currency, revenue, orders FROM daily_sales WHERE shop_id = ? ORDER BY local_date";
        try (Connection connection = DriverManager.getConnection(url, login);
                PreparedStatement statement = connection.prepareStatement(query)) {
            statement.setString(1, given[3]);
            try (ResultSet rows = statement.executeQuery()) {
                while (rows.next()) {
                    System.out.printf(
                            "[\"%s\", \"%s\", \"%s\", %d]%n",
                            rows.getDate(1), rows.getString(2), rows.getBigDecimal(3), rows.getLong(4));
                }
            }
            try {
                connection.createStatement().execute("DROP VIEW daily_sales");
            } catch (SQLException refused) {
                System.out.println(refused.getErrorCode());
            }
        }
    }
}
