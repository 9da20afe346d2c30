using Tulu2.Evaluation.Requests;
using Tulu2.Evaluation.Tasks;
using Tulu2.Files;

namespace Tulu2.Evaluation.Judges;

/// <summary>Gives each request to the judge of its role. Thread-safe.</summary>
/// <param name="judges">Specification by role, as <see cref="JudgeSpec.Read"/> makes it.</param>
public sealed class JudgePanel(IReadOnlyDictionary<string, string> judges, JudgeSettings settings) : IJudge
{
    private static readonly Lazy<IReadOnlyList<IJudgeKind>> Kinds = new(() => [.. Implementations.In<IJudgeKind>(typeof(JudgePanel).Assembly)]);

    private readonly Dictionary<string, IRoleJudge> _opened = [];

    /// <summary>All kinds of judges.</summary>
    public static IReadOnlyList<IJudgeKind> All => Kinds.Value;

    /// <summary>Whether a role has a judge.</summary>
    public bool Has(string role) => SpecOf(role) is not null;

    /// <summary>Makes the judges of roles, so that what is wrong with one is known before anything is computed.</summary>
    /// <exception cref="BadInputException">A role has no judge, or its judge cannot be used.</exception>
    public void Require(string benchmark, IEnumerable<string> roles)
    {
        foreach (var role in roles) Of(role, benchmark);
    }

    public IReadOnlyList<string> Verdicts(IReadOnlyList<ModelRequest.Judge> requests, CancellationToken cancellation)
    {
        var verdicts = new string[requests.Count];
        foreach (var group in Enumerable.Range(0, requests.Count).GroupBy(index => requests[index].Role))
        {
            var given = Of(group.Key, "this benchmark").Verdicts([.. group.Select(index => requests[index])], cancellation);
            foreach (var (index, verdict) in group.Zip(given)) verdicts[index] = verdict;
        }
        return verdicts;
    }

    /// <summary>What the judges did since the last call.</summary>
    public IReadOnlyList<JudgeUse> TakeUse()
    {
        lock (_opened) return JudgeUse.Sum([.. _opened.Values.SelectMany(judge => judge.TakeUse())]);
    }

    internal static IJudgeKind KindOf(JudgeSpec spec) => All.FirstOrDefault(kind => kind.Schemes.Contains(spec.Scheme, StringComparer.OrdinalIgnoreCase))
        ?? throw new BadInputException(spec.Where, "is not a judge that this program knows", $"give {string.Join(", or ", All.Select(kind => kind.Form).Order(StringComparer.Ordinal))}");

    private IRoleJudge Of(string role, string benchmark)
    {
        var spec = SpecOf(role) ?? throw new BadInputException(benchmark, $"needs a judge in the role '{role}', but none is given",
            $"give --judge {role}=https://HOST/v1#MODEL, or score stored verdicts with `tulu2 score`");
        lock (_opened)
        {
            if (!_opened.TryGetValue(role, out var judge)) _opened.Add(role, judge = KindOf(spec).Open(spec, settings));
            return judge;
        }
    }

    private JudgeSpec? SpecOf(string role) => (judges.GetValueOrDefault(role) ?? judges.GetValueOrDefault(JudgeSpec.AnyRole)) is { } text ? new JudgeSpec(role, text) : null;
}
