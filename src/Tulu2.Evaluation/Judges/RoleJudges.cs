using Tulu2.Evaluation.Requests;
using Tulu2.Files;

namespace Tulu2.Evaluation.Judges;

/// <summary>Passes each request on to the judge of its role.</summary>
/// <param name="judges">By role; disposed of with this where they can be.</param>
public sealed class RoleJudges(IReadOnlyDictionary<string, INamedJudge> judges) : IJudge, IDisposable
{
    /// <summary>Who judges, by role, as results name them.</summary>
    public IReadOnlyDictionary<string, string> Ids { get; } = judges.ToDictionary(judge => judge.Key, judge => judge.Value.Id);

    /// <exception cref="BadInputException">A role has no judge.</exception>
    public IReadOnlyList<string> Verdicts(IReadOnlyList<ModelRequest.Judge> requests, CancellationToken cancellation)
    {
        var verdicts = new string[requests.Count];
        foreach (var role in Enumerable.Range(0, requests.Count).GroupBy(at => requests[at].Role))
        {
            if (!judges.TryGetValue(role.Key, out var judge))
                throw new BadInputException($"--judge {role.Key}", "is not given, but items need this judge", "give one, or stored verdicts");
            foreach (var (at, verdict) in role.Zip(judge.Verdicts([.. role.Select(at => requests[at])], cancellation))) verdicts[at] = verdict;
        }
        return verdicts;
    }

    public void Dispose()
    {
        foreach (var judge in judges.Values.OfType<IDisposable>()) judge.Dispose();
    }
}
