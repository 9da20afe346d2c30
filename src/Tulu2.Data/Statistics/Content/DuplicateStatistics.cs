using Tulu2.Data.Rows;

namespace Tulu2.Data.Statistics.Content;

/// <summary>A row that has the content of an earlier one.</summary>
public readonly record struct DuplicateRow(RowLocation Row, RowLocation First);

/// <summary>Rows that repeat earlier ones, by their texts: roles and texts of all turns, without the white space around a text.</summary>
/// <param name="Rows">Rows whose content an earlier row has.</param>
/// <param name="Prompts">Rows whose first user turn is that of an earlier row; rows whose whole content is repeated among them.</param>
/// <param name="Examples">The first ones in file order, with the first row of the same content.</param>
public sealed record DuplicateStatistics(long Rows, long Prompts, IReadOnlyList<DuplicateRow> Examples);
