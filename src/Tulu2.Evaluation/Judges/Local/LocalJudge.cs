using Tulu2.Evaluation.Requests;
using Tulu2.Evaluation.Tasks;

namespace Tulu2.Evaluation.Judges.Local;

/// <summary>The judge of a role that is a model in this process: one caller at a time, no tokens, no costs.</summary>
internal sealed class LocalJudge(string role, INamedJudge judge) : IRoleJudge
{
    private readonly Lock _lock = new();
    private int _requests;

    public string Id => judge.Id;

    public IReadOnlyList<string> Verdicts(IReadOnlyList<ModelRequest.Judge> requests, CancellationToken cancellation)
    {
        lock (_lock)
        {
            var verdicts = judge.Verdicts(requests, cancellation);
            _requests += requests.Count;
            return verdicts;
        }
    }

    public IReadOnlyList<JudgeUse> TakeUse()
    {
        lock (_lock)
        {
            if (_requests == 0) return [];
            var use = new JudgeUse(role, Id, _requests, 0, 0, 0);
            _requests = 0;
            return [use];
        }
    }
}
