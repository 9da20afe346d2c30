namespace Tulu2.Protocol.Accounts;

/// <summary>What a rank does between two moments at which its time is booked.</summary>
internal enum RankDoing
{
    /// <summary>It has had no state in this session of a run that begins, or since the run has it.</summary>
    Starting,

    /// <summary>The run goes on without it, and it has no worker.</summary>
    Away,

    /// <summary>It has lost its state, or a worker that has none yet.</summary>
    Restoring,

    /// <summary>It makes a step; also while a generation is opened for the others.</summary>
    Stepping,

    /// <summary>It scores chunks, of the reference pass or a validation.</summary>
    Scoring,

    /// <summary>The run waits for a checkpoint.</summary>
    Keeping,

    /// <summary>It applies the last commit, and its checkpoint is awaited.</summary>
    Finishing,
}

/// <summary>The time of one rank: what is booked, and since when it is not. Booking moves that moment on, so that no time is booked twice or left out.</summary>
/// <param name="Since">In microseconds of the supervisor's clock.</param>
internal readonly record struct RankClock(ClassTimes Times, long Since, RankDoing Doing)
{
    /// <summary>The run has this rank; else its time does not count.</summary>
    public bool Counts { get; init; }

    /// <summary>The step under way is the first one since a command to begin.</summary>
    public bool IsFirst { get; init; }

    /// <summary>Booked already, as useful, of slots of the step under way that it held when a generation began.</summary>
    public long Held { get; init; }

    /// <summary>Time of updates that it reported and that is not booked.</summary>
    public long Applied { get; init; }

    /// <summary>The class of time that has no more precise one.</summary>
    public TimeClass Class => Doing switch
    {
        RankDoing.Starting or RankDoing.Away => TimeClass.Idle,
        RankDoing.Restoring => TimeClass.Restore,
        RankDoing.Scoring => TimeClass.Useful,
        RankDoing.Keeping or RankDoing.Finishing => TimeClass.CheckpointStall,
        _ => TimeClass.Wait,
    };

    /// <summary>Books at most <paramref name="time"/>, and at most until then.</summary>
    public RankClock Book(TimeClass of, long time, long until)
    {
        var booked = Math.Clamp(time, 0, Math.Max(0, until - Since));
        return this with { Times = Counts ? Times.With(of, booked) : Times, Since = Since + booked };
    }

    /// <summary>Books all that is left until then.</summary>
    public RankClock BookRest(TimeClass of, long until) => Book(of, long.MaxValue, until);

    /// <inheritdoc cref="BookRest(TimeClass, long)"/>
    public RankClock BookRest(long until) => BookRest(Class, until);

    /// <summary>Of the slots of its step that it has computed, so many microseconds are still held: the others' time was redone.</summary>
    public RankClock Hold(long held, long until)
    {
        if (held >= Held)
        {
            var next = Book(TimeClass.Useful, held - Held, until);
            return next with { Held = Held + (next.Since - Since) };
        }
        var lost = Counts ? Held - held : 0;
        return this with { Times = Times.With(TimeClass.Useful, -lost).With(TimeClass.Redo, lost), Held = held };
    }
}
