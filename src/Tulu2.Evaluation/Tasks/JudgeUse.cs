namespace Tulu2.Evaluation.Tasks;

/// <summary>What one judge did.</summary>
/// <param name="Role">Name of the role.</param>
/// <param name="Judge">Who it was: the model that answered and where, or whose stored verdicts they are.</param>
/// <param name="Requests">Number of verdicts that were asked for now.</param>
/// <param name="Cached">Number of verdicts that were there already.</param>
/// <param name="PromptTokens">Of the requests, as the judge counts them.</param>
/// <param name="CompletionTokens">Of the requests, as the judge counts them.</param>
public sealed record JudgeUse(string Role, string Judge, int Requests, int Cached, long PromptTokens, long CompletionTokens)
{
    /// <summary>In the currency of the price table; null: the price is not known.</summary>
    public double? Cost { get; init; }

    /// <summary>One entry for each role and judge.</summary>
    public static IReadOnlyList<JudgeUse> Sum(IEnumerable<JudgeUse> uses) =>
    [
        .. uses.GroupBy(use => (use.Role, use.Judge)).OrderBy(group => group.Key.Role, StringComparer.Ordinal).ThenBy(group => group.Key.Judge, StringComparer.Ordinal)
            .Select(group => new JudgeUse(group.Key.Role, group.Key.Judge, group.Sum(use => use.Requests), group.Sum(use => use.Cached),
                group.Sum(use => use.PromptTokens), group.Sum(use => use.CompletionTokens))
            {
                Cost = group.All(use => use.Cost is not null) ? group.Sum(use => use.Cost) : null,
            }),
    ];

    /// <summary>The judges' names by role; where several judged in a role, joined by <c>+</c>.</summary>
    public static IReadOnlyDictionary<string, string> Names(IEnumerable<JudgeUse> uses) =>
        uses.GroupBy(use => use.Role).ToDictionary(group => group.Key, group => string.Join('+', group.Select(use => use.Judge).Distinct().Order(StringComparer.Ordinal)));
}
