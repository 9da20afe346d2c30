using Tulu2.Protocol.Evaluations;
using Xunit;

namespace Tulu2.Tests.Protocol.Evaluations;

/// <summary>
/// A coordinator, evaluators and the network between them as one random schedule: messages are lost, repeated and late, evaluators come, go and are killed, leases run out, and the
/// coordinator is replaced by one that knows only what is on disk. Keeping an item twice fails at once.
/// </summary>
internal sealed class EvaluationSimulation(Random random)
{
    private const int Chunk = 4, LastStep = 40;
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1), Lease = 20 * Second;

    public static readonly EvaluationSchedule Schedule = new(["quick", "both"], 10, ["full", "both"], 20);
    public static readonly IReadOnlyDictionary<string, int> Items = new Dictionary<string, int> { ["quick"] = 9, ["both"] = 4, ["full"] = 13 };

    // On disk.
    private readonly Dictionary<(int Step, string Benchmark), HashSet<int>> _kept = [];
    private readonly Dictionary<(int Step, string Benchmark), double> _scores = [];
    private readonly SortedSet<(int Step, string Benchmark)> _planned = [];
    private readonly Dictionary<string, string> _files = [];

    private readonly List<Evaluator> _evaluators = [];
    private readonly List<Action> _network = [];
    private readonly List<(ScoringWork Work, string File, Action Answer)> _writing = [];
    private EvaluationState _state = null!;
    private int _session, _step, _made;
    private bool _ended;
    private TimeSpan _now;

    public IReadOnlyDictionary<(int Step, string Benchmark), HashSet<int>> Kept => _kept;
    public int Restarts => _session - 1;
    public int Duplicates { get; private set; }

    private sealed class Evaluator(string name)
    {
        public string Name => name;
        public long Number { get; set; } = 1;
        public ScoringWork? Work { get; set; }
        public string? File { get; set; }
        public bool Fails { get; set; }
    }

    /// <summary>Runs until the run has ended and everything is scored.</summary>
    public void Run()
    {
        Restart();
        for (var moves = 0; !(_ended && _state.IsComplete && _writing.Count == 0); moves++)
        {
            Assert.True(moves < 60_000, "the evaluation came to a standstill");
            _now += Second / 4;
            Move(random.Next(100), isRough: moves < 4000);
            Assert.True(_state.ItemsLeft >= 0);
        }
    }

    private void Move(int move, bool isRough)
    {
        switch (move)
        {
            case < 4 when !_ended:
                Train();
                break;
            case < 8 when _evaluators.Count < 4:
                _evaluators.Add(new Evaluator($"e{_made++}"));
                break;
            case < 10 when isRough && _evaluators.Count > 0:
                // Its node may be seen to be gone long after.
                var gone = _evaluators[random.Next(_evaluators.Count)];
                _evaluators.Remove(gone);
                Send(() => _state = _state.Lose(gone.Name));
                break;
            case 10 when isRough && random.Next(8) == 0:
                Restart();
                break;
            case < 14:
                (_state, var exhausted) = _state.Expire(_now);
                Assert.Empty(exhausted);
                break;
            case < 30 when _writing.Count > 0:
                Write();
                break;
            case < 60 when _network.Count > 0:
                var at = random.Next(_network.Count);
                var message = _network[at];
                if (random.Next(5) > 0) _network.RemoveAt(at);      // or it comes again
                if (!isRough || random.Next(6) > 0) message();      // or never
                break;
            case < 80 when _evaluators.Count > 0:
                Compute(_evaluators[random.Next(_evaluators.Count)]);
                break;
            default:
                if (_evaluators.Count > 0) Say(_evaluators[random.Next(_evaluators.Count)]);
                break;
        }
    }

    private void Send(Action message)
    {
        var session = _session;
        // What was sent to a coordinator that is gone reaches nobody.
        _network.Add(() => { if (session == _session) message(); });
    }

    private void Train()
    {
        // Checkpoints are not always where they were due.
        _step += random.Next(1, 8);
        if (_step < LastStep)
        {
            (_state, var due) = _state.Written(_step);
            foreach (var benchmark in due) _planned.Add((_step, benchmark));
            return;
        }
        _ended = true;
        End();
    }

    private void End()
    {
        (_state, var due) = _state.Ended(LastStep);
        foreach (var benchmark in due) _planned.Add((LastStep, benchmark));
    }

    // The process of the coordinator is killed: writes are on disk or they are not.
    private void Restart()
    {
        foreach (var (work, file, _) in _writing.ToList())
            if (random.Next(2) == 0) ToDisk(work, file);
        _writing.Clear();
        _session++;
        var known = _planned.Select(task => new KnownEvaluation(task.Step, task.Benchmark, _kept.GetValueOrDefault(task, []).ToHashSet(),
            _scores.TryGetValue(task, out var score) ? score : null));
        _state = EvaluationState.Of(Schedule, Items, new EvaluationMetric("both", true), Chunk, int.MaxValue, known);
        foreach (var (file, work) in _files.ToList()) Offer(work, file, () => { });
        foreach (var (step, benchmark) in _state.Unscored.ToList()) Finish(step, benchmark);
        if (_ended) End();
    }

    private void Say(Evaluator evaluator)
    {
        var (name, number) = (evaluator.Name, evaluator.Number);
        if (evaluator.File is { } file)
        {
            var work = evaluator.Work!.Name;
            Send(() =>
            {
                _state = _state.Renew(name, number, _now, Lease);
                Offer(work, file, () => Answer(evaluator, number));
            });
        }
        else if (evaluator.Fails)
            Send(() =>
            {
                (_state, _) = _state.Fail(name, number, "broke");
                Answer(evaluator, number);
            });
        else if (evaluator.Work is not null) Send(() => _state = _state.Renew(name, number, _now, Lease));
        else
            Send(() =>
            {
                (_state, var lease) = _state.Ask(name, number, _now, Lease);
                if (lease is null) return;
                Send(() =>
                {
                    if (evaluator.Number == number && evaluator.Work is null) evaluator.Work = lease.Work;
                });
            });
    }

    private void Answer(Evaluator evaluator, long number) => Send(() =>
    {
        if (evaluator.Number != number || (evaluator.File is null && !evaluator.Fails)) return;
        (evaluator.Work, evaluator.File, evaluator.Fails) = (null, null, false);
        evaluator.Number++;
    });

    private void Compute(Evaluator evaluator)
    {
        if (evaluator.Work is not { } work || evaluator.File is not null || evaluator.Fails) return;
        if (random.Next(10) == 0)
        {
            evaluator.Fails = true;
            return;
        }
        evaluator.File = $"f{_made++}";
        _files.Add(evaluator.File, work.Name);
    }

    private void Offer(string name, string file, Action answer)
    {
        (_state, var use) = _state.Offer(name);
        if (use == OutcomeUse.Keep) _writing.Add((ScoringWork.Parse(name)!, file, answer));
        if (use != OutcomeUse.None) return;
        Duplicates++;
        _files.Remove(file);
        answer();
    }

    private void Write()
    {
        var index = random.Next(_writing.Count);
        var (work, file, answer) = _writing[index];
        _writing.RemoveAt(index);
        answer();
        if (!ToDisk(work, file))
        {
            _state = _state.Refuse(work.Name);
            return;
        }
        (_state, var isLast) = _state.Keep(work);
        if (isLast) Finish(work.Step, work.Benchmark);
    }

    private bool ToDisk(ScoringWork work, string file)
    {
        if (!_files.Remove(file)) return false;
        var kept = _kept.TryGetValue((work.Step, work.Benchmark), out var known) ? known : _kept[(work.Step, work.Benchmark)] = [];
        foreach (var item in Enumerable.Range(work.First, work.Count))
            Assert.True(kept.Add(item), $"item {item} of {work.Benchmark}, step {work.Step}, was kept twice");
        return true;
    }

    private void Finish(int step, string benchmark)
    {
        Assert.Equal(Items[benchmark], _kept[(step, benchmark)].Count);
        Assert.True(_scores.TryAdd((step, benchmark), step), $"{benchmark} of step {step} was scored twice");
        (_state, _) = _state.Scored(step, benchmark, step);
    }
}
