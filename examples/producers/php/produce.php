<?php
// Arguments: host:port of Kafka. Standard input: orders, one CloudEvent in JSON a line. Needs the extension rdkafka.
$conf = new RdKafka\Conf();
$conf->set('bootstrap.servers', $argv[1]);
$conf->set('enable.idempotence', 'true');
$conf->set('partitioner', 'murmur2_random'); // librdkafka's own default chooses other partitions than Java
$conf->setDrMsgCb(function ($producer, $message) {
    if ($message->err) {
        fwrite(STDERR, rd_kafka_err2str($message->err) . "\n");
        exit(1);
    }
});
$producer = new RdKafka\Producer($conf);
$topic = $producer->newTopic('shop.orders');
while (($line = fgets(STDIN)) !== false) {
    $line = rtrim($line, "\n");
    $event = json_decode($line);
    $topic->produce(RD_KAFKA_PARTITION_UA, 0, $line, "{$event->shopid}/{$event->data->orderId}");
    $producer->poll(0);
}
if ($producer->flush(30000) !== RD_KAFKA_RESP_ERR_NO_ERROR) {
    exit(1);
}
