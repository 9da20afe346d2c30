using Akka.Actor;
using Tulu2.Cluster.Messages;
using Tulu2.Protocol.Events;

namespace Tulu2.Cluster.Ledger;

/// <summary>
/// Publishes the events of a run: to the ledger first, then to the run, which passes them to its log and subscribers. An actor that tells a rank of an event
/// publishes it before, so that the ledger receives a commit before any rank does.
/// </summary>
internal sealed class RunEventPublisher(IActorRef ledger, IActorRef run)
{
    public void Publish(RunEvent happened)
    {
        if (LedgerEvents.Of(happened) is { } entry) ledger.Tell(new LedgerProtocol.Append(entry));
        run.Tell(new RunProtocol.Happened(happened));
    }
}
