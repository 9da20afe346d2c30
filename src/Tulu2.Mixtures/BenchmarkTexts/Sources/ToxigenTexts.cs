using Tulu2.Data.Benchmarks;

namespace Tulu2.Mixtures.BenchmarkTexts.Sources;

/// <summary>
/// ToxiGen: all 1,000 prompts of each of the 14 groups that are scored, of which an evaluation draws 500. The statements of a prompt stand on lines of their
/// own there, which the files have as a backslash and an n.
/// </summary>
internal sealed class ToxigenTexts : IBenchmarkTexts
{
    private static readonly string[] Groups =
    [
        "asian", "black", "chinese", "jewish", "latino", "lgbtq", "mental_disability", "mexican", "middle_east", "muslim", "native_american",
        "physical_disability", "trans", "women",
    ];

    public string Name => "toxigen";

    public IEnumerable<ItemTexts> Read(BenchmarkFolder folder) =>
        from name in Groups
        from prompt in folder.Lines($"hate_{name}_1k.txt")
        select new ItemTexts($"{name}/{prompt.Number}", [new ItemText(ItemPart.Question, prompt.Line.Replace("\\\\", "\\").Replace("\\n", "\n"))]);
}
