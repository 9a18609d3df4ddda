"""The parquet files behind the views."""

from pathlib import Path

from feast import FileSource, PushSource

_DATA = Path(__file__).resolve().parents[1] / "data"

orders_source = FileSource(name="orders", path=str(_DATA / "orders.parquet"), timestamp_field="at")
orders_push = PushSource(name="orders_push", batch_source=orders_source)
articles_source = FileSource(name="articles", path=str(_DATA / "articles.parquet"), timestamp_field="at")
article_sales_source = FileSource(
    name="article_sales", path=str(_DATA / "article_sales.parquet"), timestamp_field="event_timestamp"
)
