using Tulu2.Mixtures.Conversion;

namespace Tulu2.Mixtures.Splitting;

/// <summary>Splits spoken conversations by cost and keeps the parts in which human and gpt take turns.</summary>
/// <param name="most">Most tokens of a part.</param>
internal sealed class SpokenSplit(int most, TurnCosts costs, MixtureMode mode)
{
    public const string LostLastPair = "last pair lost: it would have begun a new part";
    public const string OtherNames = "conversation left out: its senders are called user and chatgpt";

    private static readonly string[] Senders = ["human", "gpt"];

    public TurnCosts Costs => costs;

    /// <summary>The parts, each with the place of its first turn in the conversation.</summary>
    public IEnumerable<(int Start, IReadOnlyList<SpokenTurn> Turns)> Of(IReadOnlyList<SpokenTurn> turns, RecordOutput output)
    {
        if (turns.Count < 2)
        {
            output.Reject("the conversation has fewer than two turns");
            yield break;
        }
        // The original's strict names come before its list of roles, which knows more of them.
        var renamed = turns.Select(Renamed).ToList();
        if (!renamed.SequenceEqual(turns) && TakeTurns(renamed)) output.Slip(OtherNames);
        if (mode == MixtureMode.Fixed) turns = renamed;
        foreach (var (begin, end) in Parts(turns, output))
        {
            var part = turns.Take(new Range(begin, end)).ToList();
            if (TakeTurns(part)) yield return (begin, part);
            else output.Reject($"turns {begin} to {end - 1}: human and gpt do not take turns, beginning with human");
        }
    }

    private IReadOnlyList<ConversationPart> Parts(IReadOnlyList<SpokenTurn> turns, RecordOutput output)
    {
        // Most conversations are short: what cannot be too long even if every byte is a token is not tokenised.
        if (turns.Sum(turn => TurnCosts.Bound(turn.Text)) <= most) return [new ConversationPart(0, turns.Count / 2 * 2)];
        var counted = turns.Select(turn => costs.Of(turn.Text)).ToList();
        var (original, whole) = (ConversationSplitter.AsOriginal(counted, most), ConversationSplitter.Whole(counted, most));
        output.Slip(LostLastPair, (Covered(whole) - Covered(original)) / 2);
        var parts = mode == MixtureMode.Parity ? original : whole;
        if (parts.Count == 0) output.Reject($"no pair of turns makes a part of up to {most} tokens");
        return parts;
    }

    private static int Covered(IEnumerable<ConversationPart> parts) => parts.Sum(part => part.End - part.Begin);

    private static bool TakeTurns(IReadOnlyList<SpokenTurn> turns) => !turns.Where((turn, at) => turn.Sender != Senders[at % 2]).Any();

    private static SpokenTurn Renamed(SpokenTurn turn) => turn.Sender switch
    {
        "user" => turn with { Sender = "human" },
        "chatgpt" => turn with { Sender = "gpt" },
        _ => turn,
    };
}
