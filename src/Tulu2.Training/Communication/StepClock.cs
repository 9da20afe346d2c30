using Tulu2.Protocol.Workers;

namespace Tulu2.Training.Communication;

/// <summary>Measures how a rank's time is spent in a step. The wait for a commit ends after the step was reported, so it is counted in the next step.</summary>
internal sealed class StepClock
{
    private double _compute, _data, _reduce, _commit, _commitOfNext, _sums, _stage, _overlapped, _stall, _stallOfNext, _transfer, _transferOfNext;

    public StepTimes Times => new(_compute - _sums - _stage, _data, _reduce, _commit, _sums, _stage, _overlapped, _stall, _transfer);

    public void BeginStep()
    {
        (_compute, _data, _reduce, _commit, _commitOfNext) = (0, 0, 0, _commitOfNext, 0);
        (_sums, _stage, _overlapped) = (0, 0, 0);
        (_stall, _stallOfNext, _transfer, _transferOfNext) = (_stallOfNext, 0, _transferOfNext, 0);
    }

    /// <param name="time">Time that the next step waits for a copy of the state, for a checkpoint.</param>
    public void Stalled(TimeSpan time) => _stallOfNext += time.TotalSeconds;

    /// <param name="time">Time until this rank had the state that the next step begins with.</param>
    public void Brought(TimeSpan time) => _transferOfNext += time.TotalSeconds;

    /// <param name="time">Time of a forward or backward pass, including sums and waits for other stages.</param>
    public void Computed(TimeSpan time) => _compute += time.TotalSeconds;

    /// <param name="time">Time of a sum or a gather of rows over the tensor-parallel ranks, including gathers of rows that came from another stage.</param>
    public void SummedTensors(TimeSpan time) => _sums += time.TotalSeconds;

    public void WaitedForStage(TimeSpan time) => _stage += time.TotalSeconds;

    /// <param name="time">Time that this rank waited for the reduction.</param>
    /// <param name="overlapped">Time of the reduction that overlapped with computation.</param>
    public void Reduced(TimeSpan time, TimeSpan overlapped)
    {
        _reduce += time.TotalSeconds;
        _overlapped += overlapped.TotalSeconds;
    }

    public void Waited(bool forData, bool forCommit, TimeSpan time)
    {
        if (forData) _data += time.TotalSeconds;
        else if (forCommit) _commitOfNext += time.TotalSeconds;
    }
}
