using Tulu2.Evaluation.Requests;
using Tulu2.Evaluation.Tasks;

namespace Tulu2.Evaluation.Judges;

/// <summary>The judge of a role that is made when it is first asked, and whose verdicts cost nothing but time.</summary>
/// <param name="id">Who it is, as far as that is known before it is made.</param>
internal sealed class CountedJudge(string role, string id, Func<INamedJudge> make) : IRoleJudge
{
    private readonly Lock _lock = new();
    private INamedJudge? _judge;
    private int _given;

    public string Id => _judge?.Id ?? id;

    public IReadOnlyList<string> Verdicts(IReadOnlyList<ModelRequest.Judge> requests, CancellationToken cancellation)
    {
        // A model in this process serves one evaluator at a time.
        lock (_lock)
        {
            _judge ??= make();
            var verdicts = _judge.Verdicts(requests, cancellation);
            _given += verdicts.Count;
            return verdicts;
        }
    }

    public IReadOnlyList<JudgeUse> TakeUse()
    {
        lock (_lock)
        {
            if (_given == 0) return [];
            var use = new JudgeUse(role, Id, _given, 0, 0, 0);
            _given = 0;
            return [use];
        }
    }
}
