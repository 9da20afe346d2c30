namespace Tulu2.Evaluation.Reporting;

/// <summary>Parts of a page that others bring: sections, and what these need.</summary>
/// <param name="Sections">As HTML, in order.</param>
public sealed record PageParts(IReadOnlyList<string> Sections)
{
    /// <summary>Rules of the style sheet, behind the page's own.</summary>
    public string Css { get; init; } = "";

    /// <summary>A script; the page's policy allows it by its hash, and no other. Empty: none.</summary>
    public string Script { get; init; } = "";

    public static PageParts None { get; } = new([]);
}
