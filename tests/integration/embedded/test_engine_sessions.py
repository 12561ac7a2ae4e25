import threading

from engine_harness import SLOW, EngineProcess, poll

BLOCK = "SELECT getSetting('max_block_size')"


def test_temporary_tables_live_in_their_session_only(engine: EngineProcess):
    engine.text("CREATE TEMPORARY TABLE kept (a UInt8)", session_id="s1")
    engine.text("INSERT INTO kept VALUES (7)", session_id="s1")
    assert engine.text("SELECT a FROM kept", session_id="s1") == "7\n"
    assert engine.refusal("SELECT a FROM kept", session_id="s2") == (404, "60")
    assert engine.refusal("SELECT a FROM kept") == (404, "60")
    assert engine.refusal("SELECT a FROM kept", login="other", session_id="s1") == (404, "60")


def test_set_and_use_live_in_their_session_only(engine: EngineProcess):
    engine.text("SET max_block_size = 77", session_id="s3")
    engine.text("USE shop", session_id="s3")
    assert engine.text(BLOCK, session_id="s3") == "77\n"
    assert engine.text("SELECT currentDatabase()", session_id="s3") == "shop\n"
    engine.text("SET max_block_size = 78")
    engine.text("USE shop")
    for _ in range(5):
        assert engine.text(BLOCK) != "78\n"
        assert engine.text("SELECT currentDatabase()") == "default\n"


def test_settings_of_one_request_end_with_it_in_a_session(engine: EngineProcess):
    engine.text("SET max_block_size = 55", session_id="s4")
    assert engine.text(BLOCK, session_id="s4", max_block_size="66") == "66\n"
    assert engine.text(BLOCK, session_id="s4") == "55\n"
    engine.text("SET max_block_size = 56", session_id="s4", max_block_size="66")
    assert engine.text(BLOCK, session_id="s4", max_block_size="66") == "66\n"
    assert engine.text(BLOCK, session_id="s4") == "56\n"


def test_a_database_in_the_url_is_for_one_request_of_a_session(engine: EngineProcess):
    asked = "SELECT currentDatabase()"
    assert engine.text(asked, session_id="s5", database="shop") == "shop\n"
    assert engine.text(asked, session_id="s5") == "default\n"


def test_a_failed_setting_does_not_spoil_a_session(engine: EngineProcess):
    assert engine.refusal("SELECT 1", session_id="s6", nope="1") == (404, "115")
    assert engine.text("SELECT 1", session_id="s6") == "1\n"


def test_close_session_ends_it(engine: EngineProcess):
    engine.text("SET max_block_size = 44", session_id="s7")
    assert engine.text(BLOCK, session_id="s7", close_session="1") == "44\n"
    assert engine.refusal(BLOCK, session_id="s7", session_check="1")[1] == "372"


def test_a_session_in_use_is_refused(engine: EngineProcess):
    running = {"session_id": "s8", "query_id": "busy-s8"}
    slow = threading.Thread(target=engine.refusal, args=(SLOW,), kwargs=running)
    slow.start()
    poll(lambda: engine.running("busy-s8"))
    assert engine.refusal("SELECT 1", session_id="s8")[1] == "373"
    engine.text("KILL QUERY WHERE query_id = 'busy-s8'")
    slow.join()
    assert engine.text("SELECT 1", session_id="s8") == "1\n"


def test_external_tables_end_with_their_request_in_a_session(engine: EngineProcess):
    with engine.client() as client:
        params = {"session_id": "s9", "query": "SELECT sum(_1) FROM given", "given_types": "UInt8"}
        answer = client.post("/", params=params, files={"given": b"1\n2\n"})
    assert answer.text == "3\n"
    assert engine.refusal("SELECT * FROM given", session_id="s9") == (404, "60")


def test_a_setting_that_fails_half_way_is_put_back(engine: EngineProcess):
    refused = engine.refusal("SELECT 1", session_id="s10", max_block_size="5", max_threads="x")
    assert refused[0] == 400
    assert engine.text(BLOCK, session_id="s10") == engine.text(BLOCK)
