namespace Tulu2.Runs.Chaos;

/// <summary>
/// Which faults are due: a function of the seed and of the moments at which steps were committed. Between two faults a step is committed, but where a rule is about recoveries.
/// No clock, no process; times are seconds since the run began.
/// </summary>
internal sealed class ChaosSchedule(IReadOnlyList<ChaosFault> rules, int seed)
{
    private const double RecoveryWindow = 0.3, RecoveryChance = 1.0 / 3;

    private readonly Random _random = new(seed);
    private readonly int[] _left = [.. rules.Select(rule => rule.Times)];
    private readonly double?[] _due = new double?[rules.Count];
    private double _last = double.NegativeInfinity;

    /// <summary>Chooses among so many.</summary>
    public int OneOf(int count) => _random.Next(count);

    /// <summary>The rules whose time has come.</summary>
    /// <param name="step">The last that was committed; 0: none yet.</param>
    /// <param name="committed">When.</param>
    public IReadOnlyList<ChaosFault> Due(double now, int step, double committed)
    {
        var due = new List<ChaosFault>();
        if (step == 0) return due;
        for (var index = 0; index < rules.Count; index++)
        {
            if (_left[index] == 0) continue;
            switch (rules[index].When)
            {
                // It waits for a step since the last fault.
                case ChaosMoment.AtStep at when step >= at.Step && committed > _last:
                    Happen(index);
                    break;
                case ChaosMoment.Every when _due[index] is { } time && now >= time && committed > _last:
                    Happen(index);
                    break;
                case ChaosMoment.Every every when _due[index] is null:
                    _due[index] = now - every.Seconds * Math.Log(1 - _random.NextDouble());
                    break;
                case ChaosMoment.DuringRecovery when _due[index] is { } time && now >= time:
                    // A step came in between: there is nothing to recover from any more.
                    if (committed > _last) _due[index] = null;
                    else Happen(index);
                    break;
            }
        }
        return due;

        void Happen(int index)
        {
            due.Add(rules[index]);
            _due[index] = null;
            _left[index]--;
            _last = now;
            for (var other = 0; other < rules.Count; other++)
                if (rules[other].When is ChaosMoment.DuringRecovery && other != index && _left[other] > 0)
                    _due[other] = _random.NextDouble() < RecoveryChance ? now + _random.NextDouble() * RecoveryWindow : null;
        }
    }
}
