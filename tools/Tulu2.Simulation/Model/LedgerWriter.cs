using Tulu2.Cluster.Ledger;
using Tulu2.Simulation.Engine;

namespace Tulu2.Simulation.Model;

/// <summary>The coordinator's ledger: entries gather until a thread has written them; another one makes them durable. What its process has not written when it dies never was.</summary>
internal sealed class LedgerWriter(World world, SimulatedProcess process)
{
    private List<LedgerEvent> _gathered = [];
    private bool _isFlushing;

    public void Append(LedgerEvent what)
    {
        _gathered.Add(what);
        if (_gathered.Count == 1) process.After(world.About(world.Times.LedgerWrite), Write);
    }

    /// <summary>Calls back when all that was appended is in the file, and so outlives this process.</summary>
    public void WhenWritten(Action then) => process.After(world.About(world.Times.LedgerWrite) * 2, () =>
    {
        Write();
        then();
    });

    /// <summary>Calls back when all that was appended outlives this machine.</summary>
    public void WhenDurable(Action then) => WhenWritten(() => process.After(world.About(world.Times.LedgerFlush), () =>
    {
        world.Disk.Flush();
        then();
    }));

    public void Write()
    {
        var batch = _gathered;
        _gathered = [];
        foreach (var what in batch)
        {
            world.Disk.Write(what);
            world.Invariants.Written(what);
        }
        if (_isFlushing || batch.Count == 0) return;
        _isFlushing = true;
        process.After(world.About(world.Times.LedgerFlush), () =>
        {
            _isFlushing = false;
            world.Disk.Flush();
        });
    }
}
