"""Events over HTTP: `POST /events` checks them by the rules of the pipeline and writes them to Kafka."""
