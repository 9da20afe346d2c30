namespace Tulu2.Protocol.Ids;

/// <summary>One slot of one step.</summary>
public readonly record struct StepSlot(StepNumber Step, SlotNumber Slot)
{
    public override string ToString() => $"slot {Slot} of step {Step}";
}
