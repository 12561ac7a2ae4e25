"""Numbers that grow with time and are drawn by nobody else."""

from pipeline.snowflake import Snowflake, first_id_at

YEAR_2024 = 1_704_067_200.0


def test_a_number_is_milliseconds_since_2024_and_the_writer():
    numbers = Snowflake(lambda: YEAR_2024 + 1.5, writer=0x2ABCDE)
    assert numbers.next() == 1500 << 22 | 0x2ABCDE


def test_numbers_grow_within_a_millisecond():
    numbers = Snowflake(lambda: YEAR_2024 + 1, writer=3)
    assert [numbers.next() for _ in range(3)] == [
        1000 << 22 | 3,
        1001 << 22 | 3,
        1002 << 22 | 3,
    ]


def test_numbers_grow_when_the_clock_is_set_back():
    times = iter([YEAR_2024 + 100, YEAR_2024 + 1, YEAR_2024 - 10**9, YEAR_2024 + 200])
    numbers = Snowflake(lambda: next(times), writer=0)
    assert [numbers.next() >> 22 for _ in range(4)] == [100_000, 100_001, 100_002, 200_000]


def test_a_clock_before_2024_still_gives_numbers_above_0():
    assert Snowflake(lambda: 0.0, writer=0).next() == 1 << 22


def test_two_writers_never_draw_the_same_number():
    clock = [YEAR_2024 + 1]
    one, two = Snowflake(lambda: clock[0], writer=1), Snowflake(lambda: clock[0], writer=2)
    drawn = [numbers.next() for _ in range(50) for numbers in (one, two)]
    assert len(set(drawn)) == 100
    assert {number & (1 << 22) - 1 for number in drawn} == {1, 2}


def test_a_writer_is_drawn_by_lot():
    writers = {Snowflake().writer for _ in range(20)}
    assert len(writers) > 15
    assert all(0 <= writer < 1 << 22 for writer in writers)


def test_numbers_fit_into_64_bits_until_the_year_2150():
    assert Snowflake(lambda: 5_680_281_600.0, writer=(1 << 22) - 1).next() < 1 << 64


def test_the_least_number_of_an_instant_is_below_those_drawn_then():
    then = YEAR_2024 + 7.25
    assert first_id_at(then) == 7250 << 22
    assert first_id_at(then) <= Snowflake(lambda: then).next() < first_id_at(then + 0.001)
    assert first_id_at(0) == 0


def test_two_writers_never_claim_the_same_above_a_claim_that_is_ahead() -> None:
    ahead = first_id_at(2e9) + 5
    one, two = (Snowflake(clock=lambda: 1.8e9, writer=number) for number in (1, 2))
    claims = {one.above(ahead), two.above(ahead)}
    assert len(claims) == 2
    assert min(claims) > ahead
    assert one.next() < ahead
