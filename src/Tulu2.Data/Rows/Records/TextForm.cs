using Apache.Arrow;
using Apache.Arrow.Types;

namespace Tulu2.Data.Rows.Records;

/// <summary>
/// Which texts of a table are JSON: a column of the logical type JSON holds values, not texts. DuckDB makes one of every key whose values are of several kinds in its
/// input, as a content that is a text in one turn and a list of parts in another.
/// </summary>
/// <param name="IsJson">Of a column without parts.</param>
/// <param name="Parts">Of a list its items, of a group its fields.</param>
internal sealed record TextForm(bool IsJson, IReadOnlyList<TextForm> Parts)
{
    public static readonly TextForm Text = new(false, []);

    /// <summary>The forms of a table's columns.</summary>
    /// <param name="isJson">For each column of values, in the order in which they lie in the file.</param>
    public static IReadOnlyList<TextForm> Of(Schema schema, IEnumerable<bool> isJson)
    {
        var leaves = new Queue<bool>(isJson);
        return [.. schema.FieldsList.Select(field => Of(field.DataType, leaves))];
    }

    public TextForm Part(int index) => index < Parts.Count ? Parts[index] : Text;

    private static TextForm Of(IArrowType type, Queue<bool> leaves) => type switch
    {
        // Also a list, a map and whatever else has fields.
        NestedType nested => new TextForm(false, [.. nested.Fields.Select(field => Of(field.DataType, leaves))]),
        _ => new TextForm(leaves.TryDequeue(out var isJson) && isJson, []),
    };
}
