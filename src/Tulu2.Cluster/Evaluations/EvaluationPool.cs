using Akka.Actor;
using Tulu2.Cluster.Ledger;
using Tulu2.Cluster.Messages;
using Tulu2.Evaluation.Tasks;
using Tulu2.Files;
using Tulu2.Protocol.Evaluations;
using Tulu2.Protocol.Events;
using Tulu2.Protocol.Ids;
using Tulu2.Protocol.WorkQueues;

namespace Tulu2.Cluster.Evaluations;

/// <summary>
/// Scores the checkpoints of a run while it trains: gives work to evaluators of any node that ask, makes what they send durable on a thread of its own, and says which
/// checkpoints are needed yet. No step waits for it. <see cref="EvaluationState"/> decides.
/// </summary>
/// <param name="checkpoints">Is told which checkpoints to keep.</param>
internal sealed class EvaluationPool(PoolPlan plan, IActorRef node, IActorRef checkpoints, IActorRef ledger) : UntypedActor, IWithTimers
{
    private static readonly TimeSpan LeaseTime = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    // Ticks between two lines about what the run waits for.
    private const int WaitingTicks = 60;

    private readonly RunEventPublisher _events = new(ledger, Context.Parent);
    private readonly Dictionary<string, IActorRef> _evaluators = [];
    private readonly HashSet<string> _declined = [];
    private readonly DedicatedThread _thread = new("evaluation record", _ => { /* What is posted reports its own failures. */ });
    private EvaluationState _state = plan.Begin();
    private bool _hasHeard, _hasStarted, _isFinishing, _isClosing;
    private int _written, _ticks;

    public ITimerScheduler Timers { get; set; } = null!;

    private static TimeSpan Now => Context.System.Scheduler.MonotonicClock;

    private sealed record Tick : INoSerializationVerificationNeeded
    {
        public static Tick Instance { get; } = new();
    }

    // From the thread.
    private sealed record Kept(ScoringWork Work, Offered By, KeptOutcome? Outcome, string? Fault) : INoSerializationVerificationNeeded;

    // An outcome; Sender is nobody where its evaluator was not heard in time.
    private sealed record Offered(string Task, string File, string Evaluator, long Number, int Attempt, IActorRef Sender);

    private sealed record Finished(int Step, string Benchmark, FinishedScore? Score, string? Fault) : INoSerializationVerificationNeeded;

    private sealed record Broken(int Step, IReadOnlyList<string> Benchmarks, string Fault) : INoSerializationVerificationNeeded;

    private sealed record Heard(IReadOnlyList<(string Task, string File)> Outcomes) : INoSerializationVerificationNeeded;

    // All that was heard is taken in: work may be given out.
    private sealed record Ready : INoSerializationVerificationNeeded
    {
        public static Ready Instance { get; } = new();
    }

    protected override void PreStart()
    {
        Pin();
        Timers.StartPeriodicTimer(nameof(Tick), Tick.Instance, Interval);
        if (_state.ItemsLeft > 0) _events.Publish(new RunEvent.EvaluationResumed(_state.ItemsLeft, _state.Items));
        var self = Self;
        // Where they cannot be read, their work is done again.
        Post(() => self.Tell(new Heard(plan.Record.Unheard())), _ => self.Tell(new Heard([])));
        foreach (var (step, benchmark) in _state.Unscored.ToList()) Finish(step, benchmark);
    }

    protected override void PostStop() => _thread.Dispose();

    protected override void OnReceive(object message)
    {
        if (_isClosing && message is EvaluationProtocol.IReport or EvaluationProtocol.Ask) return;
        switch (message)
        {
            case EvaluationControl.HasCheckpoint { Step: var step }:
                _written = Math.Max(_written, step);
                (_state, var due) = _state.Written(step);
                Begin(step, due);
                break;
            case EvaluationProtocol.Ask ask:
                Answer(ask);
                break;
            case EvaluationProtocol.Working working:
                _state = _state.Renew(working.Evaluator, working.Number, Now, LeaseTime);
                // It may still yield to ranks that are gone.
                if (_isFinishing && _state.LeaseOf(working.Evaluator) is { } held) Grant(working.Number, held);
                break;
            case EvaluationProtocol.IReport report:
                Take(report);
                break;
            case Terminated lost:
                foreach (var name in _evaluators.Where(e => e.Value.Equals(lost.ActorRef)).Select(e => e.Key).ToArray()) Lose(name);
                break;
            case Tick:
                Beat();
                break;
            case Heard heard:
                foreach (var (task, file) in heard.Outcomes) Offer(new Offered(task, file, "", 0, 1, ActorRefs.Nobody));
                var self = Self;
                Post(() => self.Tell(Ready.Instance), _ => { /* It cannot fail. */ });
                break;
            case Ready:
                _hasHeard = true;
                StartEvaluators();
                break;
            case Kept kept:
                Handle(kept);
                break;
            case Finished finished:
                Handle(finished);
                break;
            case Broken broken:
                foreach (var benchmark in broken.Benchmarks) GiveUp(broken.Step, benchmark, broken.Fault);
                break;
            case EvaluationControl.FinishPool { Step: var last }:
                _isFinishing = true;
                (_state, var rest) = _state.Ended(last);
                Begin(last, rest);
                CloseIfDone();
                break;
            case EvaluationControl.ClosePool:
                Close();
                break;
            case EvaluationControl.EvaluatorsStopped:
                EndThread();
                break;
            case EvaluationControl.PoolClosed:
                Context.Parent.Tell(message);
                break;
        }
    }

    // A step whose checkpoint was written, or is the last.
    private void Begin(int step, IReadOnlyList<string> due)
    {
        Pin();
        if (due.Count == 0) return;
        var self = Self;
        // Work may be given out before it is on disk that it is planned: what it is kept in names it again.
        Post(() => plan.Record.Begin(step, due), fault => self.Tell(new Broken(step, due, fault)));
        _events.Publish(new RunEvent.EvaluationDue(new StepNumber(step), due, due.Sum(benchmark => plan.Benchmarks[benchmark].Items)));
        StartEvaluators();
    }

    private void StartEvaluators()
    {
        if (!_hasHeard || _hasStarted || _state.ItemsLeft == 0 || plan.Hosting is not { } hosting || plan.Evaluators == 0) return;
        _hasStarted = true;
        node.Tell(new EvaluationControl.StartEvaluators(plan.Evaluators, new HostedEvaluatorSource(hosting), Self));
    }

    private void Answer(EvaluationProtocol.Ask ask)
    {
        // What earlier evaluators have done comes before anything is done again.
        if (!_hasHeard || _declined.Contains(ask.Evaluator)) return;
        if (!_evaluators.TryGetValue(ask.Evaluator, out var known) || !known.Equals(Sender)) _evaluators[ask.Evaluator] = Context.Watch(Sender);
        (_state, var lease) = _state.Ask(ask.Evaluator, ask.Number, Now, LeaseTime);
        if (lease is not null) Grant(ask.Number, lease);
    }

    private void Grant(long number, Lease<ScoringWork> lease)
    {
        var work = lease.Work;
        var task = new EvaluationTask(TaskOf(work), work.Benchmark, plan.ModelOf(work.Step), plan.Benchmarks[work.Benchmark].File, work.First, work.Count);
        // While ranks train, evaluators yield to them; afterwards nobody is held up.
        var settings = HostedEvaluatorSource.Text(plan.Settings, yieldsProcessor: !_isFinishing && !plan.Benchmarks[work.Benchmark].IsTimed);
        var next = _state.After(work.Step) is { } step ? plan.ModelOf(step) : null;
        Sender.Tell(new EvaluationProtocol.Granted(number, lease.Attempt, task, settings, plan.OutcomeFolder, next));
    }

    private void Take(EvaluationProtocol.IReport report)
    {
        switch (report)
        {
            case EvaluationProtocol.Scored scored:
                // It waits for the answer as if it computed.
                _state = _state.Renew(scored.Evaluator, scored.Number, Now, LeaseTime);
                Offer(new Offered(scored.TaskId, scored.File, scored.Evaluator, scored.Number, _state.LeaseOf(scored.Evaluator)?.Attempt ?? 1, Sender));
                break;
            case EvaluationProtocol.Failed failed:
                Sender.Tell(new EvaluationProtocol.Taken(failed.Number));
                Handle(failed);
                break;
            case EvaluationProtocol.Declined declined:
                Sender.Tell(new EvaluationProtocol.Taken(declined.Number));
                _state = _state.Lose(declined.Evaluator);
                if (_declined.Add(declined.Evaluator)) _events.Publish(new RunEvent.EvaluatorLost(declined.Evaluator, declined.Why));
                break;
        }
    }

    private void Offer(Offered offered)
    {
        var work = WorkOf(offered.Task);
        var use = OutcomeUse.None;
        if (work is not null) (_state, use) = _state.Offer(work.Name);
        var (self, record) = (Self, plan.Record);
        switch (use)
        {
            case OutcomeUse.Keep:
                Post(() => self.Tell(new Kept(work!, offered, record.Keep(work!, offered.Task, offered.File), null)),
                    fault => self.Tell(new Kept(work!, offered, null, fault)));
                break;
            // The evaluator asks again: only what is durable is answered.
            case OutcomeUse.Wait:
                break;
            case OutcomeUse.None:
                Post(() => record.Discard(offered.File), _ => { /* It takes up a little space. */ });
                offered.Sender.Tell(new EvaluationProtocol.Taken(offered.Number));
                break;
        }
    }

    private void Handle(Kept kept)
    {
        kept.By.Sender.Tell(new EvaluationProtocol.Taken(kept.By.Number));
        if (kept.Outcome is not { } outcome)
        {
            _state = _state.Refuse(kept.Work.Name);
            // A disk that is full is full for all that follows.
            if (kept.Fault is { } fault) GiveUp(kept.Work.Step, kept.Work.Benchmark, fault);
            else if (kept.By.Evaluator.Length > 0) Fail(kept.By.Evaluator, kept.By.Number, kept.Work, "the file with its outcome is not there, or is damaged");
            return;
        }
        (_state, var isLast) = _state.Keep(kept.Work);
        ledger.Tell(new LedgerProtocol.Append(new LedgerEvent.EvaluationDone(kept.By.Task, kept.By.Attempt, outcome.Items, outcome.Total)));
        _events.Publish(new RunEvent.EvaluationProgressed(_state.Items - _state.ItemsLeft, _state.Items));
        if (isLast) Finish(kept.Work.Step, kept.Work.Benchmark);
    }

    private void Finish(int step, string benchmark)
    {
        var (self, record) = (Self, plan.Record);
        Post(() => self.Tell(new Finished(step, benchmark, record.Finish(step, benchmark), null)), fault => self.Tell(new Finished(step, benchmark, null, fault)));
    }

    private void Handle(Finished finished)
    {
        var (step, benchmark) = (finished.Step, finished.Benchmark);
        if (finished.Score is not { } score)
        {
            GiveUp(step, benchmark, finished.Fault!);
            return;
        }
        (_state, var isBest) = _state.Scored(step, benchmark, score.Score);
        _events.Publish(new RunEvent.Evaluated(new StepNumber(step), benchmark, score.Score, score.Text, score.Items, isBest));
        Pin();
        CloseIfDone();
    }

    private void Handle(EvaluationProtocol.Failed failed)
    {
        if (_state.LeaseOf(failed.Evaluator) is not { Work: var work } || TaskOf(work) != failed.TaskId) return;
        if (failed.Where is not null || failed.Fix is not null)
        {
            // Whoever tried it again would fail in the same way.
            _state = _state.Lose(failed.Evaluator);
            GiveUp(work.Step, work.Benchmark, $"{(failed.Where is { } where ? $"{where}: " : "")}{failed.Error}{(failed.Fix is { } fix ? $"; {fix}" : "")}");
            return;
        }
        Fail(failed.Evaluator, failed.Number, work, failed.Error);
    }

    private void Fail(string evaluator, long number, ScoringWork work, string why)
    {
        (_state, var exhausted) = _state.Fail(evaluator, number, why);
        _events.Publish(new RunEvent.EvaluatorLost(evaluator, why));
        if (exhausted is not null) GiveUp(work, why);
    }

    private void GiveUp(ScoringWork work, string why) =>
        GiveUp(work.Step, work.Benchmark, $"items {work.First} to {work.First + work.Count - 1} failed on every attempt, the last time with: {why}");

    private void Lose(string name)
    {
        _evaluators.Remove(name);
        _declined.Remove(name);
        if (_state.LeaseOf(name) is not null) _events.Publish(new RunEvent.EvaluatorLost(name, "its node has left, or was lost"));
        _state = _state.Lose(name);
    }

    private void GiveUp(int step, string benchmark, string why)
    {
        (_state, var isNew) = _state.GiveUp(step, benchmark);
        if (isNew) _events.Publish(new RunEvent.EvaluationFailed(new StepNumber(step), benchmark, why));
        Pin();
        CloseIfDone();
    }

    private void Beat()
    {
        (_state, var expired) = _state.Expire(Now);
        foreach (var (work, why) in expired) GiveUp(work, why);
        if (_isFinishing && !_isClosing && ++_ticks % WaitingTicks == 0) _events.Publish(new RunEvent.EvaluationAwaited(_state.ItemsLeft, _state.Evaluators));
    }

    // Those to be scored, and the best so far.
    private void Pin() => checkpoints.Tell(new CheckpointProtocol.Pinned(_written, plan.KeepsBest && _state.Best is { Step: var best } ? _state.Needed.Add(best) : _state.Needed));

    private string TaskOf(ScoringWork work) => $"{plan.Key}:{work.Name}";

    private ScoringWork? WorkOf(string task) => task.StartsWith($"{plan.Key}:", StringComparison.Ordinal) ? ScoringWork.Parse(task[(plan.Key.Length + 1)..]) : null;

    private void CloseIfDone()
    {
        if (_isFinishing && _state.IsComplete) Close();
    }

    private void Close()
    {
        if (_isClosing) return;
        _isClosing = true;
        if (_hasStarted) node.Tell(EvaluationControl.StopEvaluators.Instance);
        else EndThread();
    }

    // What was accepted is durable before the run ends.
    private void EndThread()
    {
        _thread.Dispose();
        // By way of the mailbox, behind what the thread has told.
        _ = _thread.Completion.PipeTo(Self, success: () => EvaluationControl.PoolClosed.Instance);
    }

    private void Post(Action work, Action<string> failed)
    {
        // It takes nothing more when the pool has closed.
        if (_isClosing) return;
        _thread.Post(() =>
        {
            try
            {
                work();
            }
            catch (Exception fault)
            {
                failed(FaultText.Of(fault));
            }
        });
    }
}
