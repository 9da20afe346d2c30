using Tulu2.Data.Rows;

namespace Tulu2.Data.Demo;

/// <summary>The verifiable kinds: each question has exactly one right answer.</summary>
internal static class DemoKinds
{
    private static readonly (string Question, string Answer)[] Identity =
    [
        ("Who are you?", "I am Tulu, a small assistant."),
        ("What is your name?", "My name is Tulu."),
        ("Who made you?", "I was trained by Tulu2Actors."),
        ("Are you a human?", "No, I am a language model."),
        ("What can you do?", "I can add, sort, compare and greet."),
        ("How old are you?", "I was trained a moment ago."),
    ];

    private static readonly string[] Openings =
        ["", "Hello. ", "Please tell me: ", "Excuse me. ", "One question: ", "Hi there. ", "Tulu, ", "Quick question: ", "So, ", "Good day. "];

    public static IReadOnlyList<DemoKind> Of(DemoDataOptions options) =>
    [
        new("identity", options.Identity, DrawIdentity),
        new("arithmetic", options.Arithmetic, (ref SplitMix64 random) => DrawArithmetic(options, ref random)),
        new("sort", options.Sort, (ref SplitMix64 random) => DrawSort(options, ref random)),
        new("reverse", options.Reverse, (ref SplitMix64 random) => DrawReverse(options, ref random)),
        new("compare", options.Compare, (ref SplitMix64 random) => DrawCompare(options, ref random)),
        new("format", options.Format, (ref SplitMix64 random) => DrawFormat(options, ref random)),
        new("multi_turn", options.MultiTurn, DrawMultiTurn),
    ];

    private static DemoItem DrawIdentity(ref SplitMix64 random)
    {
        var pick = random.Below(Identity.Length);
        var opening = DemoWords.One(Openings, ref random);
        var other = (pick + 1 + random.Below(Identity.Length - 1)) % Identity.Length;
        return DemoItem.Ask(opening + pick, opening + Identity[pick].Question, Identity[pick].Answer, Identity[other].Answer);
    }

    private static DemoItem DrawArithmetic(DemoDataOptions options, ref SplitMix64 random)
    {
        var (left, right) = (random.Below(options.LargestOperand + 1), random.Below(options.LargestOperand + 1));
        var minus = random.Below(3) == 0;
        if (minus && left < right) (left, right) = (right, left);
        var result = minus ? left - right : left + right;
        var worded = random.Below(2) == 0;
        var question = (minus, worded) switch
        {
            (false, true) => $"What is {left} plus {right}?",
            (false, false) => $"Add {left} and {right}.",
            (true, true) => $"What is {left} minus {right}?",
            (true, false) => $"Take {right} from {left}.",
        };
        var wrong = result + 1 + random.Below(3);
        return DemoItem.Ask($"{left}{(minus ? '-' : '+')}{right}", question, $"{result}", $"{wrong}");
    }

    private static DemoItem DrawSort(DemoDataOptions options, ref SplitMix64 random)
    {
        var numbers = DemoWords.Several([.. Enumerable.Range(0, options.LargestSorted + 1)], Length(options, ref random), ref random);
        var falling = random.Below(3) == 0;
        var sorted = falling ? numbers.OrderDescending() : numbers.Order();
        var question = falling ? "Sort from high to low: " : "Sort from low to high: ";
        var right = Spaced(sorted);
        return DemoItem.Ask(Spaced(numbers) + falling, question + Spaced(numbers), right, Spaced(sorted.Reverse()));
    }

    private static DemoItem DrawReverse(DemoDataOptions options, ref SplitMix64 random)
    {
        var words = Words(options, ref random);
        var question = random.Below(2) == 0 ? "Reverse this list: " : "Say it backwards: ";
        return DemoItem.Ask(Spaced(words), question + Spaced(words), Spaced(words.Reverse()), Spaced(words));
    }

    private static DemoItem DrawCompare(DemoDataOptions options, ref SplitMix64 random)
    {
        var pair = DemoWords.Several([.. Enumerable.Range(0, options.LargestCompared + 1)], 2, ref random);
        var larger = random.Below(2) == 0;
        var question = larger ? $"Which is larger, {pair[0]} or {pair[1]}?" : $"Which is smaller, {pair[0]} or {pair[1]}?";
        var (right, wrong) = larger ? (pair.Max(), pair.Min()) : (pair.Min(), pair.Max());
        return DemoItem.Ask($"{pair[0]},{pair[1]},{larger}", question, $"{right}", $"{wrong}");
    }

    private static DemoItem DrawFormat(DemoDataOptions options, ref SplitMix64 random)
    {
        var words = Words(options, ref random);
        var plain = Spaced(words);
        return random.Below(3) switch
        {
            0 => DemoItem.Ask("commas " + plain, "Join with commas: " + plain, string.Join(", ", words), plain),
            1 => DemoItem.Ask("capitals " + plain, "Write in capitals: " + plain, plain.ToUpperInvariant(), plain),
            _ => DemoItem.Ask("dashes " + plain, "Join with dashes: " + plain, string.Join(" - ", words), plain),
        };
    }

    private static DemoItem DrawMultiTurn(ref SplitMix64 random)
    {
        var name = DemoWords.One(DemoWords.Names, ref random);
        var colours = DemoWords.Several(DemoWords.Colours, 2, ref random);
        Message[] talk = [new(Message.User, $"My name is {name} and I like {colours[0]}."), new(Message.Assistant, $"Nice to meet you, {name}.")];
        var (question, right, wrong) = random.Below(2) == 0
            ? ("Which colour do I like?", $"You like {colours[0]}.", $"You like {colours[1]}.")
            : ("What is my name?", $"Your name is {name}.", $"Your name is {Other(name, ref random)}.");
        return new DemoItem($"{name} {colours[0]} {question}", [.. talk, new Message(Message.User, question)], right, wrong);
    }

    private static string Other(string name, ref SplitMix64 random)
    {
        var index = Array.IndexOf(DemoWords.Names, name);
        return DemoWords.Names[(index + 1 + random.Below(DemoWords.Names.Length - 1)) % DemoWords.Names.Length];
    }

    private static string[] Words(DemoDataOptions options, ref SplitMix64 random) =>
        DemoWords.Several(DemoWords.Things[..options.ListWords], Length(options, ref random), ref random);

    private static int Length(DemoDataOptions options, ref SplitMix64 random) =>
        options.ShortestList + random.Below(options.LongestList - options.ShortestList + 1);

    private static string Spaced<T>(IEnumerable<T> items) => string.Join(' ', items);
}
