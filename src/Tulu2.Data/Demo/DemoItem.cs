using Tulu2.Data.Rows;

namespace Tulu2.Data.Demo;

/// <summary>One question with its right answer and a wrong one of the same kind.</summary>
/// <param name="Key">The question, whatever its wording: training and held-out data share no key.</param>
/// <param name="Prompt">Turns up to the question.</param>
internal sealed record DemoItem(string Key, IReadOnlyList<Message> Prompt, string Right, string Wrong)
{
    public static DemoItem Ask(string key, string question, string right, string wrong) =>
        new(key, [new Message(Message.User, question)], right, wrong);

    public IReadOnlyList<Message> Answered(string answer) => [.. Prompt, new Message(Message.Assistant, answer)];
}

/// <summary>A family of questions.</summary>
/// <param name="Name">The dataset field of its rows.</param>
/// <param name="Draw">Draws one item.</param>
internal sealed record DemoKind(string Name, double Weight, DemoDraw Draw);

internal delegate DemoItem DemoDraw(ref SplitMix64 random);
