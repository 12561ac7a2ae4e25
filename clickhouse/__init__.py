"""Where the numbers rest: tables and statements in .sql files, migrations, a typed client."""
