using Tulu2.Evaluation.Requests;
using Tulu2.Evaluation.Tasks;
using Tulu2.Files;

namespace Tulu2.Evaluation.Judges.Replay;

/// <summary>Gives stored verdicts again; asks nobody.</summary>
internal sealed class ReplayJudge(string role, ReplayedVerdicts verdicts, string path) : IRoleJudge
{
    private const int Shown = 80;

    private readonly List<JudgeUse> _uses = [];

    public string Id => $"replay:{path}";

    public IReadOnlyList<string> Verdicts(IReadOnlyList<ModelRequest.Judge> requests, CancellationToken cancellation)
    {
        var given = requests.Select(request => verdicts.Of(request.Prompt) ?? throw Missing(request)).ToList();
        lock (_uses) _uses.AddRange(given.Select(verdict => new JudgeUse(role, verdict.Judge, 0, 1, 0, 0)));
        return [.. given.Select(verdict => verdict.Text)];
    }

    public IReadOnlyList<JudgeUse> TakeUse()
    {
        lock (_uses)
        {
            var taken = JudgeUse.Sum(_uses);
            _uses.Clear();
            return taken;
        }
    }

    private BadInputException Missing(ModelRequest.Judge request)
    {
        var text = request.Prompt[^1].Content.ReplaceLineEndings(" ");
        return new BadInputException(path, $"has no verdict on the prompt that begins '{(text.Length > Shown ? text[..Shown] + "…" : text)}'",
            "replay the verdicts on these answers of this model, or give a judge that can be asked");
    }
}
