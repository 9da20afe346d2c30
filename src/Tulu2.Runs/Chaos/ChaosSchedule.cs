namespace Tulu2.Runs.Chaos;

/// <summary>
/// Which faults are due: a function of the seed and of the moments at which steps were committed. Between two faults a step is committed, but where a rule is about recoveries.
/// No clock, no process; times are seconds since the run began.
/// </summary>
internal sealed class ChaosSchedule(IReadOnlyList<ChaosFault> rules, int seed)
{
    private const double RecoveryWindow = 0.3, RecoveryChance = 1.0 / 3, Again = 0.1;

    private readonly Random _random = new(seed);
    private readonly int[] _happened = new int[rules.Count];
    private readonly double?[] _due = new double?[rules.Count];
    private double _last = double.NegativeInfinity;

    /// <summary>What was to happen and did not: rules for a step, and everything where nothing happened at all.</summary>
    public IEnumerable<string> Missed => rules.Index().Where(rule => _happened[rule.Index] == 0 && (rule.Item.When is ChaosMoment.AtStep || _happened.Sum() == 0))
        .Select(rule => $"{rule.Item.What} {rule.Item.When}");

    /// <summary>Chooses among so many.</summary>
    public int OneOf(int count) => _random.Next(count);

    /// <summary>A rule whose time has come, by its number: it is to be told what became of it. Null: none.</summary>
    /// <param name="step">The last that was committed; 0: none yet.</param>
    /// <param name="committed">When.</param>
    public int? Due(double now, int step, double committed)
    {
        if (step == 0) return null;
        for (var index = 0; index < rules.Count; index++)
        {
            if (_happened[index] == rules[index].Times) continue;
            switch (rules[index].When)
            {
                // It waits for a step since the last fault.
                case ChaosMoment.AtStep at when step >= at.Step && committed > _last && now >= (_due[index] ?? 0):
                case ChaosMoment.Every when _due[index] is { } time && now >= time && committed > _last:
                    return index;
                case ChaosMoment.Every every when _due[index] is null:
                    _due[index] = now - every.Seconds * Math.Log(1 - _random.NextDouble());
                    break;
                case ChaosMoment.DuringRecovery when _due[index] is { } time && now >= time:
                    // A step that came in between leaves nothing to recover from.
                    if (committed <= _last) return index;
                    _due[index] = null;
                    break;
            }
        }
        return null;
    }

    public ChaosFault Rule(int index) => rules[index];

    /// <summary>There was no such process just now.</summary>
    public void Postpone(int index, double now) => _due[index] = now + Again;

    public void Happened(int index, double now)
    {
        _due[index] = null;
        _happened[index]++;
        _last = now;
        for (var other = 0; other < rules.Count; other++)
            if (rules[other].When is ChaosMoment.DuringRecovery && other != index)
                _due[other] = _random.NextDouble() < RecoveryChance ? now + _random.NextDouble() * RecoveryWindow : null;
    }
}
