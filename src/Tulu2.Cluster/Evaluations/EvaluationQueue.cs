using Akka.Actor;
using Tulu2.Cluster.Ledger;
using Tulu2.Cluster.Messages;
using Tulu2.Evaluation.Tasks;
using Tulu2.Protocol.Outcomes;
using Tulu2.Protocol.WorkQueues;

namespace Tulu2.Cluster.Evaluations;

/// <summary>
/// Hands tasks to evaluators that ask, and accepts exactly one outcome of each: tasks of a lost evaluator go to another, and a late outcome of a task that
/// is done is dropped.
/// </summary>
internal sealed class EvaluationQueue(EvaluationControl.StartEvaluations start, IActorRef node) : UntypedActor, IWithTimers
{
    private const int Attempts = 5;
    private static readonly TimeSpan LeaseTime = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private readonly EvaluationOutcome?[] _outcomes = new EvaluationOutcome?[start.Tasks.Count];
    private readonly Dictionary<string, IActorRef> _evaluators = [];
    private LeaseQueue<EvaluationTask> _queue = LeaseQueue<EvaluationTask>.Of(start.Tasks, Attempts);
    private CancellationTokenRegistration _cancellation;
    private IActorRef? _ledger;
    private Exception? _failure;
    private bool _ending;

    public ITimerScheduler Timers { get; set; } = null!;

    private static TimeSpan Now => Context.System.Scheduler.MonotonicClock;

    private sealed record Tick : INoSerializationVerificationNeeded
    {
        public static Tick Instance { get; } = new();
    }

    protected override void PreStart()
    {
        var self = Self;
        _cancellation = start.Cancellation.Register(() => self.Tell(EvaluationProtocol.Cancel.Instance));
        // It has a thread of its own for the disk.
        if (start.Ledger is { } file) _ledger = Context.ActorOf(Props.Create(() => new RunLedger(file, TimeProvider.System)), ActorNames.Ledger);
        if (_queue.IsComplete)
        {
            End(null);
            return;
        }
        node.Tell(new EvaluationControl.StartEvaluators(start.Evaluators, start.Factory, Self));
        Timers.StartPeriodicTimer(nameof(Tick), Tick.Instance, Interval);
    }

    protected override void PostStop()
    {
        _cancellation.Dispose();
        // The actor system may have ended before the evaluation.
        start.Outcomes.TrySetCanceled();
    }

    protected override void OnReceive(object message)
    {
        if (_ending && message is not (EvaluationControl.EvaluatorsStopped or LedgerProtocol.Closed or RunProtocol.Fatal)) return;
        try
        {
            Handle(message);
        }
        catch (Exception fault)
        {
            // An observer that fails ends the evaluation, not the coordinator.
            End(fault);
        }
    }

    private void Handle(object message)
    {
        switch (message)
        {
            case EvaluationProtocol.Idle idle:
                Know(idle.Evaluator);
                // An idle evaluator that holds a task has begun again without it.
                if (_queue.HeldBy(idle.Evaluator) > 0) Release(idle.Evaluator, "the evaluator began again");
                Offer(idle.Evaluator);
                break;
            case EvaluationProtocol.Busy busy:
                _queue = _queue.Renew(busy.Evaluator, Now, LeaseTime);
                break;
            case EvaluationProtocol.Done done:
                Accept(done);
                break;
            case EvaluationProtocol.Failed final when final.Where is not null || final.Fix is not null:
                End(new RunFailure(final.Error, final.Detail, final.Where, final.Fix).ToException());
                break;
            case EvaluationProtocol.Failed failed:
                start.Observer?.EvaluatorRestarted(NumberOf(failed.Evaluator), failed.Error);
                (_queue, var over) = _queue.Fail(failed.Id, failed.Attempt, failed.Error);
                if (over is not null) End(new RunFailedException(Exhausted(over), failed.Detail));
                break;
            case Terminated lost:
                foreach (var name in _evaluators.Where(e => e.Value.Equals(lost.ActorRef)).Select(e => e.Key).ToArray())
                {
                    _evaluators.Remove(name);
                    Release(name, "the evaluator was lost");
                }
                break;
            case Tick:
                (_queue, var expired) = _queue.Expire(Now);
                EndIf(expired);
                break;
            case EvaluationProtocol.Cancel:
                End(new OperationCanceledException(start.Cancellation));
                break;
            case RunProtocol.Fatal ledger:
                _failure ??= ledger.Failure.ToException();
                End(_failure);
                break;
            case EvaluationControl.EvaluatorsStopped when _ledger is not null:
                // What was accepted is durable before the outcome is known.
                _ledger.Tell(LedgerProtocol.Close.Instance);
                break;
            case EvaluationControl.EvaluatorsStopped or LedgerProtocol.Closed:
                Complete();
                break;
        }
    }

    private void Know(string evaluator)
    {
        if (_evaluators.TryGetValue(evaluator, out var known) && known.Equals(Sender)) return;
        _evaluators[evaluator] = Context.Watch(Sender);
    }

    private void Offer(string evaluator)
    {
        (_queue, var lease) = _queue.Take(evaluator, Now, LeaseTime);
        if (lease is not null) _evaluators[evaluator].Tell(new EvaluationProtocol.Assigned(lease.Id, lease.Attempt, lease.Work));
    }

    private void Accept(EvaluationProtocol.Done done)
    {
        (_queue, var accepted) = _queue.Complete(done.Id);
        if (!accepted) return;
        _outcomes[done.Id] = done.Outcome;
        _ledger?.Tell(new LedgerProtocol.Append(new LedgerEvent.EvaluationDone(done.Outcome.TaskId, done.Attempt, done.Outcome.Items, done.Outcome.Total)));
        start.Observer?.TaskDone(done.Outcome, _queue.Done, _queue.Total);
        if (_queue.IsComplete) End(null);
    }

    private void Release(string evaluator, string why)
    {
        (_queue, var exhausted) = _queue.Release(evaluator, why);
        EndIf(exhausted);
    }

    private void EndIf(IReadOnlyCollection<Exhausted> exhausted)
    {
        if (exhausted.FirstOrDefault() is { } over) End(new RunFailedException(Exhausted(over), ""));
    }

    private string Exhausted(Exhausted over) => $"evaluation task {start.Tasks[over.Id].Id} failed {Attempts} times, the last time with: {over.Why}";

    private static int NumberOf(string evaluator) => int.TryParse(evaluator[(evaluator.LastIndexOf('/') + 1)..], out var number) ? number : -1;

    private void End(Exception? failure)
    {
        if (_ending) return;
        (_ending, _failure) = (true, failure);
        node.Tell(EvaluationControl.StopEvaluators.Instance);
    }

    private void Complete()
    {
        if (_failure is OperationCanceledException) start.Outcomes.TrySetCanceled(start.Cancellation);
        else if (_failure is not null) start.Outcomes.TrySetException(_failure);
        else start.Outcomes.TrySetResult(_outcomes!);
        Context.Stop(Self);
    }
}
