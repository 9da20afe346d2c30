namespace Tulu2.Mixtures.Selection;

/// <summary>How much of a source a recipe asks for. All null: every record once.</summary>
/// <param name="Sample">Records, over all files of the source together.</param>
/// <param name="Samples">Records of each entry of <c>files</c>.</param>
/// <param name="Weight">Passes over all records; the part after the point is a sample.</param>
internal sealed record Amount(int? Sample, IReadOnlyList<int>? Samples, double? Weight)
{
    public static readonly Amount Everything = new(null, null, null);
}
