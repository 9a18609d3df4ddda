"""The parquet files behind the views; each names its time in its own way."""

from pathlib import Path

from feast import FileSource, PushSource

_DATA = Path(__file__).resolve().parents[1] / "data"

impressions_source = FileSource(
    name="impressions",
    path=str(_DATA / "impressions.parquet"),
    timestamp_field="shown_at",
    created_timestamp_column="logged_at",
    field_mapping={"member id": "member_code", "clicked": "click"},
)
members_source = FileSource(name="members", path=str(_DATA / "members.parquet"), timestamp_field="since")
films_source = FileSource(name="films", path=str(_DATA / "films.parquet"), timestamp_field="known_since")
film_status_source = FileSource(
    name="film_status",
    path=str(_DATA / "film_status.parquet"),
    timestamp_field="valid_from",
    created_timestamp_column="written_at",
)
member_behaviour_source = FileSource(
    name="member_behaviour", path=str(_DATA / "member_behaviour.parquet"), timestamp_field="event_timestamp"
)
member_genres_source = FileSource(
    name="member_genres", path=str(_DATA / "member_genres.parquet"), timestamp_field="event_timestamp"
)
film_behaviour_source = FileSource(
    name="film_behaviour", path=str(_DATA / "film_behaviour.parquet"), timestamp_field="event_timestamp"
)

# Events arrive through these; the files behind them are filled as before.
impressions_push = PushSource(name="impressions_push", batch_source=impressions_source)
member_behaviour_push = PushSource(name="member_behaviour_push", batch_source=member_behaviour_source)
