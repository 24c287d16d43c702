"""Logs of comparisons that were made before: one reader for the form, the command line and the worker.

`read_table` reads any file as columns of text, `propose` says how it is probably meant, `read_rows` reads its rows by a
mapping (`poets_core.spec.log_mapping`), `sentences` counts them. `read_log` is table and rows together.
"""

from poets_core.llm_po.log.counts import Clusters, Orders, clusters, orders, sentences, warnings
from poets_core.llm_po.log.propose import Proposal, propose
from poets_core.llm_po.log.read import MAPPING, before, read_log, read_rows
from poets_core.llm_po.log.row import LEFT_OUT, OrderBias, ReadLog, Row, Word, order_bias
from poets_core.llm_po.log.table import BOUNDS, FIELD, LogTable, read_table

__all__ = [
    "BOUNDS",
    "FIELD",
    "LEFT_OUT",
    "MAPPING",
    "Clusters",
    "LogTable",
    "OrderBias",
    "Orders",
    "Proposal",
    "ReadLog",
    "Row",
    "Word",
    "before",
    "clusters",
    "order_bias",
    "orders",
    "propose",
    "read_log",
    "read_rows",
    "read_table",
    "sentences",
    "warnings",
]
