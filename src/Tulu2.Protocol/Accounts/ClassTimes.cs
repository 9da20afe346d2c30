namespace Tulu2.Protocol.Accounts;

/// <summary>Time of each class, in whole microseconds, so that sums are exact.</summary>
public readonly record struct ClassTimes(long Useful, long Redo, long Detect, long Restore, long CheckpointStall, long Wait, long Idle)
{
    /// <summary>The classes' names, in the order of <see cref="TimeClass"/>.</summary>
    public static IReadOnlyList<string> Names { get; } = ["useful", "redo", "detect", "restore", "checkpoint stall", "wait", "idle"];

    public long Total => Useful + Redo + Detect + Restore + CheckpointStall + Wait + Idle;

    /// <summary>Share of the time that was useful, from 0 to 1; null: there was none.</summary>
    public double? Goodput => Total > 0 ? (double)Useful / Total : null;

    /// <summary>The times in the order of <see cref="TimeClass"/>.</summary>
    public IReadOnlyList<long> ByClass => [Useful, Redo, Detect, Restore, CheckpointStall, Wait, Idle];

    public static ClassTimes operator +(ClassTimes one, ClassTimes other) => new(
        one.Useful + other.Useful, one.Redo + other.Redo, one.Detect + other.Detect, one.Restore + other.Restore,
        one.CheckpointStall + other.CheckpointStall, one.Wait + other.Wait, one.Idle + other.Idle);

    /// <param name="time">In microseconds.</param>
    public ClassTimes With(TimeClass of, long time) => of switch
    {
        TimeClass.Useful => this with { Useful = Useful + time },
        TimeClass.Redo => this with { Redo = Redo + time },
        TimeClass.Detect => this with { Detect = Detect + time },
        TimeClass.Restore => this with { Restore = Restore + time },
        TimeClass.CheckpointStall => this with { CheckpointStall = CheckpointStall + time },
        TimeClass.Wait => this with { Wait = Wait + time },
        _ => this with { Idle = Idle + time },
    };

    /// <summary>Tenths of a percent of each class, in the order of <see cref="TimeClass"/>. They sum to 1,000: what rounding leaves goes to the largest remainders.</summary>
    public IReadOnlyList<int> PerMille()
    {
        if (Total <= 0) return [0, 0, 0, 0, 0, 0, 0];
        var total = Total;
        var exact = ByClass.Select(time => (decimal)time * 1000 / total).ToArray();
        var whole = exact.Select(share => (int)decimal.Floor(share)).ToArray();
        foreach (var index in Enumerable.Range(0, exact.Length).OrderByDescending(index => exact[index] - whole[index]).Take(1000 - whole.Sum())) whole[index]++;
        return whole;
    }
}
