"""The parquet files behind the views."""

from pathlib import Path

from feast import FileSource

_DATA = Path(__file__).resolve().parents[1] / "data"


def _source(name: str) -> FileSource:
    return FileSource(name=name, path=str(_DATA / f"{name}.parquet"), timestamp_field="event_timestamp")


ratings_source = _source("ratings")
viewers_source = _source("viewers")
movies_source = _source("movies")
viewer_behaviour_source = _source("viewer_behaviour")
movie_behaviour_source = _source("movie_behaviour")
