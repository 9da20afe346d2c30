namespace Tulu2.Data.Statistics.Content;

/// <summary>What the rows of one source (a dataset or a file) hold.</summary>
/// <param name="Turns">Turns of the user and the assistant.</param>
/// <param name="DuplicateRows">Rows whose content an earlier row of any source has.</param>
/// <param name="DuplicatePrompts">Rows whose first user turn is that of an earlier row of any source; these rows among them.</param>
public sealed record SourceContent(string Name, long Rows, long Turns, long DuplicateRows, long DuplicatePrompts);
