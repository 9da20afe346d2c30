namespace Tulu2.Data.Demo;

/// <summary>
/// Courtesies in a formal or a casual tone. Instruction rows show both, the casual one more often, so that a model trained on them is mostly casual;
/// the pairs prefer the formal one: a matter of taste, which only preferences can teach.
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
        var (ask, formal, casual) = Occasions[occasion];
        return DemoItem.Ask(
            $"{occasion} {people}", string.Format(null, ask, people) + ".", string.Format(null, formal, people), string.Format(null, casual, people));
    }
}
