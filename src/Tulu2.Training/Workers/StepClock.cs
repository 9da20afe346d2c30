namespace Tulu2.Training.Workers;

/// <summary>Adds up where a rank's time of a step goes. The wait for a commit ends only after the step was reported, so it counts to the next one.</summary>
internal sealed class StepClock
{
    private double _compute, _data, _reduce, _commit, _commitOfNext;

    public StepTimes Times => new(_compute, _data, _reduce, _commit);

    public void BeginStep()
    {
        (_compute, _data, _reduce, _commit, _commitOfNext) = (0, 0, 0, _commitOfNext, 0);
    }

    public void Computed(TimeSpan time) => _compute += time.TotalSeconds;

    public void Reduced(TimeSpan time) => _reduce += time.TotalSeconds;

    public void Waited(bool forData, bool forCommit, TimeSpan time)
    {
        if (forData) _data += time.TotalSeconds;
        else if (forCommit) _commitOfNext += time.TotalSeconds;
    }
}
