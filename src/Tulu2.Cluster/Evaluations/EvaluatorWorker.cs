using System.Collections.Concurrent;
using Akka.Actor;
using Tulu2.Cluster.Messages;
using Tulu2.Evaluation.Tasks;
using Tulu2.Protocol.Outcomes;

namespace Tulu2.Cluster.Evaluations;

/// <summary>An evaluator failed on a task; its actor is restarted with a new one.</summary>
internal sealed class EvaluatorFailedException(string error, Exception cause) : Exception(error, cause);

/// <summary>Pulls evaluation tasks and does them one at a time, on a thread that owns the evaluator. A failed evaluator is replaced by a new one.</summary>
internal sealed class EvaluatorWorker(IEvaluatorFactory factory, IActorRef queue, ConcurrentBag<Task> threads) : UntypedActor, IWithTimers
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private readonly CancellationTokenSource _cancellation = new();
    private readonly DedicatedThread _thread = new("evaluator", _ => { /* Tasks report their own failures; an evaluator that fails at its end may have failed before, which was reported. */ });

    private IEvaluator? _evaluator;   // touched by the thread only
    private EvaluationProtocol.Assigned? _task;   // touched by the actor only

    public ITimerScheduler Timers { get; set; } = null!;

    private string Name => Self.Path.ToStringWithoutAddress();

    private sealed record Beat : INoSerializationVerificationNeeded
    {
        public static Beat Instance { get; } = new();
    }

    protected override void PreStart()
    {
        threads.Add(_thread.Completion);
        queue.Tell(new EvaluationProtocol.Idle(Name));
        Timers.StartPeriodicTimer(nameof(Beat), Beat.Instance, Interval);
    }

    protected override void PostStop()
    {
        _cancellation.Cancel();
        _thread.Post(() => _evaluator?.Dispose());
        _thread.Dispose();
    }

    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case Beat:
                queue.Tell(_task is null ? new EvaluationProtocol.Idle(Name) : new EvaluationProtocol.Busy(Name));
                break;
            case EvaluationProtocol.Assigned assigned when _task is null:
                _task = assigned;
                Run(assigned);
                break;
            case EvaluationProtocol.Ended { Outcome: { } outcome } ended:
                _task = null;
                queue.Tell(new EvaluationProtocol.Done(Name, ended.Id, ended.Attempt, outcome));
                queue.Tell(new EvaluationProtocol.Idle(Name));
                break;
            case EvaluationProtocol.Ended { Fault: { } fault } ended:
                var failure = RunFailure.Of(fault);
                queue.Tell(new EvaluationProtocol.Failed(
                    Name, ended.Id, ended.Attempt, failure.Error, failure.Detail, failure.BadInputWhere, failure.BadInputFix));
                if (failure.BadInputFix is null) throw new EvaluatorFailedException(failure.Error, fault);
                _task = null;
                break;
        }
    }

    private void Run(EvaluationProtocol.Assigned assigned)
    {
        var (self, cancellation) = (Self, _cancellation.Token);
        _thread.Post(() =>
        {
            try
            {
                _evaluator ??= factory.Create();
                self.Tell(new EvaluationProtocol.Ended(assigned.Id, assigned.Attempt, _evaluator.Run(assigned.Task, cancellation), null));
            }
            catch (Exception fault)
            {
                self.Tell(new EvaluationProtocol.Ended(assigned.Id, assigned.Attempt, null, fault));
            }
        });
    }
}
