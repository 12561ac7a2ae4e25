"""Progress of one partition: what was fetched, taken, delivered and acknowledged."""

from pipeline.transport.book import Book, Progress


def test_the_position_is_unknown_before_the_first_fetch():
    assert Book().progress() is None


def test_an_empty_partition_is_fresh_at_its_position():
    book = Book()
    book.fetched(5.0, asked=0, log_end=0)
    assert book.progress() == Progress(0, 5.0)


def test_a_partition_begins_at_its_committed_offset():
    assert Book(start=70).progress() == Progress(70, 0.0)


def test_records_hold_the_watermark_until_they_are_acknowledged():
    book = Book(start=0)
    book.fetched(1.0, asked=0, log_end=10)
    book.taken(10)
    ticket = book.deliver(10)
    book.fetched(2.0, asked=10, log_end=10)
    assert book.progress() == Progress(0, 0.0)
    ticket.acked = True
    assert book.progress() == Progress(10, 2.0)


def test_records_on_their_way_to_the_stream_hold_the_watermark_too():
    book = Book(start=0)
    book.fetched(1.0, asked=0, log_end=10)
    book.taken(10)
    book.fetched(2.0, asked=10, log_end=10)
    assert book.progress() == Progress(0, 0.0)
    book.deliver(10).acked = True
    assert book.progress() == Progress(10, 2.0)


def test_a_transaction_marker_at_the_end_is_passed_when_nothing_is_outstanding():
    book = Book(start=0)
    book.taken(10)
    ticket = book.deliver(10)
    book.fetched(2.0, asked=11, log_end=11)
    assert book.progress() == Progress(0, 0.0)
    ticket.acked = True
    assert book.progress() == Progress(11, 2.0)
    assert book.ledger.unsaved() == 10


def test_new_records_do_not_take_back_what_was_reached():
    book = Book(start=0)
    book.fetched(1.0, asked=0, log_end=0)
    assert book.progress() == Progress(0, 1.0)
    book.fetched(2.0, asked=0, log_end=5)
    book.taken(5)
    book.deliver(5)
    assert book.progress() == Progress(0, 1.0)


def test_a_lagging_partition_keeps_its_old_instant_and_catches_up_at_once():
    book = Book(start=0)
    tickets = []
    for number in range(1, 200):
        book.fetched(float(number), asked=number - 1, log_end=number)
        book.taken(number)
        tickets.append(book.deliver(number))
    assert book.progress() == Progress(0, 0.0)
    for ticket in tickets:
        ticket.acked = True
    assert book.progress() == Progress(199, 199.0)


def test_a_position_beyond_the_log_says_nothing():
    book = Book(start=500)
    book.fetched(1.0, asked=500, log_end=10)
    assert book.progress() == Progress(500, 0.0)


def test_a_position_that_was_thrown_back_is_noticed():
    book = Book(start=500)
    assert not book.behind(500)
    assert book.behind(0)
