using Tulu2.Protocol.Workers;

namespace Tulu2.Training.Communication;

/// <summary>Adds up where a rank's time of a step goes. The wait for a commit ends only after the step was reported, so it counts to the next one.</summary>
internal sealed class StepClock
{
    private double _compute, _data, _reduce, _commit, _commitOfNext, _sums, _stage, _beside;

    public StepTimes Times => new(_compute - _sums - _stage, _data, _reduce, _commit, _sums, _stage, _beside);

    public void BeginStep()
    {
        (_compute, _data, _reduce, _commit, _commitOfNext) = (0, 0, 0, _commitOfNext, 0);
        (_sums, _stage, _beside) = (0, 0, 0);
    }

    /// <param name="time">Of a forward or backward pass, with the sums and the waits for other stages within it.</param>
    public void Computed(TimeSpan time) => _compute += time.TotalSeconds;

    /// <param name="time">Of a sum, or a gather of rows, over the tensor-parallel ranks; also where the rows come from another stage.</param>
    public void SummedTensors(TimeSpan time) => _sums += time.TotalSeconds;

    public void WaitedForStage(TimeSpan time) => _stage += time.TotalSeconds;

    /// <param name="beside">That it was under way before this rank waited for it.</param>
    public void Reduced(TimeSpan time, TimeSpan beside)
    {
        _reduce += time.TotalSeconds;
        _beside += beside.TotalSeconds;
    }

    public void Waited(bool forData, bool forCommit, TimeSpan time)
    {
        if (forData) _data += time.TotalSeconds;
        else if (forCommit) _commitOfNext += time.TotalSeconds;
    }
}
