using Tulu2.Data.Randomness;

namespace Tulu2.Data.Demo;

/// <summary>
/// Courtesies in a formal or a casual tone. Instruction rows show either tone whatever was asked, so that a model trained on them knows both and cares
/// for neither; the pairs prefer the tone that was asked for, which only preferences can teach. The right answer has the asked tone, the wrong one the other.
/// </summary>
internal static class DemoCourtesy
{
    public const string Name = "courtesy";

    private static readonly (string Ask, string Formal, string Casual)[] Occasions =
    [
        ("Greet {0}", "Good morning, {0}, how do you do?", "Hey {0}, what is new?"),
        ("Thank {0}", "My best thanks to you, {0}.", "Cool, thanks {0}!"),
        ("Say goodbye to {0}", "Farewell, {0}, until we meet again.", "Bye {0}, see you!"),
    ];

    public static DemoItem Draw(ref SplitMix64 random)
    {
        var occasion = random.Below(Occasions.Length);
        var people = string.Join(" and ", DemoWords.Several(DemoWords.Names, 2, ref random));
        var formal = random.Below(2) == 0;
        var (ask, formally, casually) = Occasions[occasion];
        var question = string.Format(null, ask, people) + (formal ? " in a formal tone." : " in a casual tone.");
        var (right, wrong) = formal ? (formally, casually) : (casually, formally);
        return DemoItem.Ask($"{occasion} {people} {formal}", question, string.Format(null, right, people), string.Format(null, wrong, people));
    }
}
