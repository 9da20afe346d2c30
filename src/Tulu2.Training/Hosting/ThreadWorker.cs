using Tulu2.Models.Torch;
using Tulu2.Protocol.Ids;
using Tulu2.Protocol.Workers;
using Tulu2.Training.Ranks;
using Tulu2.Training.Slots;
using Tulu2.Training.Workers;

namespace Tulu2.Training.Hosting;

/// <summary>A worker as a dedicated thread of this process, at nice 10, with one intra-op thread (parallelism comes from ranks).</summary>
internal sealed class ThreadWorker : IWorker
{
    private readonly Mailbox _mailbox = new();
    private readonly Thread _thread;

    public ThreadWorker(WorkerSettings settings, Rank rank, Action<WorkerReport> report, SlotComputerOf computerOf)
    {
        _thread = new Thread(() =>
        {
            TorchRuntime.EnterRankThread();
            WorkerLoop.Run(settings, rank, _mailbox, report, computerOf);
        })
        {
            IsBackground = true,
            Name = $"rank {rank}",
        };
        _thread.Start();
    }

    public void Send(WorkerCommand command) => _mailbox.Post(command);

    /// <summary>Shuts the worker down, and waits until its tensors are freed and its last snapshot is written.</summary>
    public void Dispose()
    {
        Send(new WorkerCommand.Shutdown());
        if (Thread.CurrentThread != _thread) _thread.Join();
    }
}
