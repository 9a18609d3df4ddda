"""Where batch recommendations go: one protocol, a file for each kind of target."""

from tfrs_mtl.batch.sinks.parquet import ParquetSink
from tfrs_mtl.batch.sinks.protocol import Batches, Sink, Written
from tfrs_mtl.batch.sinks.registry import open_sink
from tfrs_mtl.batch.sinks.sql import SqlSink

__all__ = ["Batches", "ParquetSink", "Sink", "SqlSink", "Written", "open_sink"]
