using Akka.Actor;
using Tulu2.Cluster.Messages;
using Tulu2.Data.Slots;
using Tulu2.Files;
using Tulu2.Protocol.Outcomes;

namespace Tulu2.Cluster.Ranks;

/// <summary>
/// Reads this node's slots, in the order of the requests, on a thread of its own. Requesters limit the number of their open requests (credits), so that the queue
/// stays short.
/// </summary>
internal sealed class DataLoader : UntypedActor
{
    private const int Attempts = 3;

    private readonly IBatchPlan _plan;
    private readonly IScoringPlan? _reference;
    private readonly IScoringPlan? _validation;
    private readonly IActorRef _run;
    private readonly DedicatedThread _thread;
    private volatile bool _stopped;

    public DataLoader(IBatchPlan plan, IScoringPlan? reference, IScoringPlan? validation, IActorRef run)
    {
        (_plan, _reference, _validation, _run) = (plan, reference, validation, run);
        _thread = new DedicatedThread("data loader", RunProtocol.EndRun(run));
    }

    protected override void PostStop()
    {
        _stopped = true;
        _thread.Dispose();
    }

    protected override void OnReceive(object message)
    {
        var asker = Sender;
        switch (message)
        {
            case RankProtocol.ReadSlot ask:
                Read(asker, $"slot {ask.Slot} of step {ask.Step}", () => new RankProtocol.SlotRead(ask.Incarnation, _plan.Read(ask.Step, ask.Slot)));
                break;
            case RankProtocol.ReadChunk { Chunk: var chunk } ask:
                var (what, from) = chunk.Step > 0 ? ($"the validation of step {chunk.Step}", _validation) : ("the reference pass", _reference);
                Read(asker, $"chunk {chunk.Chunk} of {what}", () => new RankProtocol.ChunkRead(ask.Incarnation, chunk, from!.Read(chunk.Chunk)));
                break;
        }
    }

    private void Read(IActorRef asker, string what, Func<object> read) => _thread.Post(() =>
    {
        for (var attempt = 1; !_stopped; attempt++)
        {
            try
            {
                asker.Tell(read());
                return;
            }
            // Bad input is not tried again: the thread ends the run with it.
            catch (Exception fault) when (fault is not BadInputException)
            {
                if (attempt < Attempts) continue;
                _run.Tell(new RunProtocol.Fatal(new RunFailure($"{what} cannot be read: {FaultText.Of(fault)}", fault.ToString())));
                return;
            }
        }
    });
}
