"""Branch tables on disk: one Parquet file that any data tool reads, our metadata in its schema."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from pkgafdo import files
from pkgafdo.branches.columns import column
from pkgafdo.branches.meta import meta_from_json, meta_to_json
from pkgafdo.branches.table import BranchTable
from pkgafdo.errors import ArtifactError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from pkgafdo.branches.meta import TableMeta

FORMAT_VERSION: Final = 1
"""Raised when older readers could misunderstand the file."""

_KEY: Final = b"pkgafdo"
_KINDS: Final = ("branch", "range")
_NUMBERS: Final = ("a", "b", "count", "mispredicted")
_MOST_ROWS: Final = 1 << 28  # a whole day of a whole machine has some millions of distinct branches


def write_table(table: BranchTable, path: Path) -> None:
    """Write a table by rename; equal tables give equal bytes.

    Columns: kind (branch or range), a, b (from and to, or start and end), count, mispredicted.
    """
    import pyarrow.parquet as pq

    with files.replacing(path) as temporary:
        pq.write_table(
            _arrow_table(table),
            temporary,
            compression="zstd",
            use_dictionary=["kind"],
            column_encoding=dict.fromkeys(_NUMBERS[:2], "DELTA_BINARY_PACKED"),
        )


def read_table(path: Path) -> BranchTable:
    """Read a table; ArtifactError when it is missing, foreign, of another format or damaged."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path, memory_map=False) as stored:
            header = _header(stored.schema_arrow.metadata, path)
            if stored.metadata.num_rows > _MOST_ROWS:
                raise _damaged(path, f"It claims {stored.metadata.num_rows} rows.")
            rows = stored.read(columns=["kind", *_NUMBERS])
            table = _table_from_arrow(rows, meta_from_json(header["meta"]))
    except (OSError, KeyError, ValueError, TypeError, pa.ArrowException) as error:
        raise _damaged(path, f"{type(error).__name__}: {error}") from error
    if table_digest(table) != header.get("sha256"):
        raise _damaged(path, "Its content does not have the digest that was written with it.")
    return table


def is_table(path: Path) -> bool:
    """Say whether a file looks like a saved table (it begins with Parquet's magic)."""
    try:
        with path.open("rb") as stream:
            return stream.read(4) == b"PAR1"
    except OSError:
        return False


def table_digest(table: BranchTable) -> str:
    """Return the SHA-256 over a table's counts and metadata, in hex; no file format enters it."""
    digest = hashlib.sha256(_canonical(meta_to_json(table.meta)))
    for part in (*table.branch_columns, *table.range_columns):
        digest.update(len(part).to_bytes(8, "little"))
        digest.update(part.astype("<u8", copy=False).tobytes())
    return digest.hexdigest()


def _canonical(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _arrow_table(table: BranchTable) -> Any:  # noqa: ANN401  pyarrow is untyped
    import pyarrow as pa

    kinds = np.repeat(np.arange(2, dtype=np.int8), (table.distinct_branches, table.distinct_ranges))
    no_misses = np.zeros(table.distinct_ranges, dtype=np.uint64)
    pairs = zip(table.branch_columns, (*table.range_columns, no_misses), strict=True)
    header = {
        "format": FORMAT_VERSION,
        "meta": meta_to_json(table.meta),
        "sha256": table_digest(table),
    }
    columns = {name: np.concatenate(pair) for name, pair in zip(_NUMBERS, pairs, strict=True)}
    return pa.table(
        {"kind": pa.DictionaryArray.from_arrays(kinds, list(_KINDS)), **columns},
        metadata=None,
    ).replace_schema_metadata({_KEY: _canonical(header)})


def _header(metadata: dict[bytes, bytes] | None, path: Path) -> dict[str, Any]:
    text = (metadata or {}).get(_KEY)
    if text is None:
        raise ArtifactError(
            f"{path} is a Parquet file, but not a branch table",
            hint="Give a table that `pkgafdo branches read` wrote.",
        )
    header = json.loads(text)
    if not isinstance(header, dict):
        raise TypeError("the header is not a JSON object")
    if header.get("format") != FORMAT_VERSION:
        raise ArtifactError(
            f"{path} has branch-table format {header.get('format')}; this pkgafdo knows "
            f"{FORMAT_VERSION}",
            hint="Use the pkgafdo that wrote it, or read the recording again.",
        )
    return header


def _table_from_arrow(rows: Any, meta: TableMeta) -> BranchTable:  # noqa: ANN401
    is_branch = _are_branches(rows["kind"])
    numbers = {name: rows[name].combine_chunks().to_numpy() for name in _NUMBERS}
    if any(values.dtype != np.uint64 for values in numbers.values()):
        raise ValueError("a column is not of unsigned 64-bit numbers")
    a, b, count, missed = (numbers[name] for name in _NUMBERS)
    return BranchTable(
        branch_from=column(a[is_branch]),
        branch_to=column(b[is_branch]),
        branch_count=column(count[is_branch]),
        branch_mispredicted=column(missed[is_branch]),
        range_start=column(a[~is_branch]),
        range_end=column(b[~is_branch]),
        range_count=column(count[~is_branch]),
        meta=meta,
    )


def _are_branches(kinds: Any) -> NDArray[np.bool_]:  # noqa: ANN401
    import pyarrow.compute as pc

    is_branch = pc.equal(kinds, _KINDS[0])
    if not pc.all(pc.or_(is_branch, pc.equal(kinds, _KINDS[1])), min_count=0).as_py():
        raise ValueError("a row is neither a branch nor a range")
    marks: NDArray[np.bool_] = is_branch.to_numpy()
    return marks


def _damaged(path: Path, evidence: str) -> ArtifactError:
    return ArtifactError(
        f"{path} is not a readable branch table",
        details=evidence,
        hint="Give a table that `pkgafdo branches read` wrote, or make it again.",
    )
