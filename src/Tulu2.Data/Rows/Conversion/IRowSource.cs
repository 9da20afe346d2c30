using System.Text.Json;

namespace Tulu2.Data.Rows.Conversion;

/// <summary>
/// How well a record matches a form, judged by its keys alone. A key whose value is null was meant but has nothing: tables and the tools that write them give every
/// row the keys of all.
/// </summary>
internal enum Likeness
{
    /// <summary>It has none of the form's keys.</summary>
    None,
    /// <summary>It has some of them: it was meant to be of this form, and the form's source can say what is missing.</summary>
    Incomplete,
    /// <summary>It has all keys that the form needs, and none of them is null.</summary>
    Complete,
    /// <summary>It is of this form whatever other keys it has.</summary>
    Certain,
}

/// <summary>
/// A converter from an upstream record (a JSON object, or a Parquet row as one) to a row. Pure: a record goes in, a row or a fault that names the field comes
/// out.
/// A source is one class without constructor parameters in one file of <c>Rows/Sources</c>; it is found there by reflection (docs/extending/row-source.md).
/// </summary>
internal interface IRowSource
{
    /// <summary>Name of the form as users write it, in lower case.</summary>
    string Name { get; }

    RowKind Kind { get; }

    /// <summary>The form's own keys, beside <see cref="RowKeys.Common"/>. Columns of a Parquet file that no source names are not read.</summary>
    IReadOnlyList<string> Keys { get; }

    /// <summary>How well a record (always an object) matches, whether or not it can be converted. Of several sources the best match gets the file.</summary>
    Likeness Match(JsonElement record);
}

/// <summary>A source of rows of one type.</summary>
internal interface IRowSource<TRow> : IRowSource
    where TRow : class
{
    /// <param name="record">A JSON object.</param>
    /// <param name="location">Where the record stands: part of the row, and its id and dataset where the record names none.</param>
    RowResult<TRow> Convert(JsonElement record, RowLocation location);
}
