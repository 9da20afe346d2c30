namespace Tulu2.Evaluation.Paper;

/// <summary>How sure a number of the paper is; the PDF itself was not at hand (docs/reports.md).</summary>
public enum PaperCertainty
{
    /// <summary>Recalled from the published paper: printed as <c>paper (unverified)</c>.</summary>
    Recalled,

    /// <summary>Stated in the paper's summary.</summary>
    Summary,

    /// <summary>On a model's card.</summary>
    Card,

    /// <summary>In code or data of a public repository.</summary>
    Code,
}

/// <summary>A number that the paper prints, in the unit of its column.</summary>
public sealed record PaperNumber(double Value, PaperCertainty Certainty)
{
    /// <summary>Letter behind the number in tables; null: it is unverified.</summary>
    public string? Tag => Certainty switch
    {
        PaperCertainty.Summary => "S",
        PaperCertainty.Card => "H",
        PaperCertainty.Code => "C",
        _ => null,
    };
}
