// Arguments: host:port of Kafka. Standard input: key, tab, CloudEvent in JSON; an order a line.
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.ArrayList;
import java.util.Map;
import java.util.concurrent.Future;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.serialization.StringSerializer;

public class Produce {
    public static void main(String[] arguments) throws Exception {
        // idempotent, acks of all in-sync replicas and murmur2 are the defaults
        Map<String, Object> settings = Map.of("bootstrap.servers", arguments[0]);
        var text = new StringSerializer();
        var sent = new ArrayList<Future<RecordMetadata>>();
        try (var producer = new KafkaProducer<>(settings, text, text);
                var lines = new BufferedReader(new InputStreamReader(System.in, "UTF-8"))) {
            for (String line; (line = lines.readLine()) != null; ) {
                String[] parts = line.split("\t", 2);
                sent.add(producer.send(new ProducerRecord<>("shop.orders", parts[0], parts[1])));
            }
            for (var each : sent) {
                each.get(); // or it was not delivered
            }
        }
    }
}
