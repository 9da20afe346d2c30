using Tulu2.Protocol.Evaluations;
using Tulu2.Simulation.Engine;

namespace Tulu2.Simulation.Model;

/// <summary>An evaluator: asks whoever coordinates for work until it is given some, and reports its outcome, which is a file by then, until that is taken.</summary>
internal sealed class EvaluatorModel
{
    private static readonly TimeSpan Again = TimeSpan.FromSeconds(1), Items = TimeSpan.FromMilliseconds(600);

    private readonly World _world;
    private long _number = 1;
    private ScoringWork? _work;
    private string? _file;

    public EvaluatorModel(World world, string name)
    {
        (_world, Process) = (world, new SimulatedProcess(world.Loop, name));
        Process.After(Again, Say);
    }

    public SimulatedProcess Process { get; }

    private void Say()
    {
        if (_world.IsOver) return;
        Process.After(Again, Say);
        // Who computes has nothing to say.
        if (_world.Coordinator is not { Process.IsAlive: true } coordinator || (_work is not null && _file is null)) return;
        var (number, work, file) = (_number, _work, _file);
        void Answer(Action arrives) => _world.Network.Send(coordinator.Process, Process, arrives);
        _world.Network.Send(Process, coordinator.Process, work is null
            ? () => coordinator.Ask(Process.Name, number, given => Answer(() => Granted(number, given)))
            : () => coordinator.Scored(Process.Name, number, work, file!, () => Answer(() => Taken(number))));
    }

    private void Granted(long number, ScoringWork work)
    {
        if (number != _number || _work is not null) return;
        _work = work;
        Process.After(_world.About(Items), () =>
        {
            _file = $"{Process.Name}-{number}";
            _world.Disk.Outcomes[work.Name] = _file;
        });
    }

    private void Taken(long number)
    {
        if (number != _number || _file is null) return;
        (_number, _work, _file) = (_number + 1, null, null);
    }
}
