namespace Tulu2.Data.Slots;

/// <summary>How sequences become a slot's rows.</summary>
/// <param name="Preferences">Each item is a pair of sequences, 2k chosen and 2k + 1 rejected.</param>
/// <param name="Packing">Segments keep their own lengths; otherwise all are padded to the slot's longest.</param>
/// <param name="Shared">How much of what the sides of a pair begin with alike has rows in the chosen side alone; null: nothing.</param>
public readonly record struct SlotForm(bool Preferences, bool Packing, SharingRule? Shared);

/// <summary>How many of the first tokens of two segments have their rows once for both. A pure function, which depends on nothing but the two.</summary>
/// <param name="common">How many tokens they begin with alike.</param>
/// <param name="one">Tokens of the first one, padding included.</param>
/// <param name="other">Tokens of the second one.</param>
/// <returns>From 0 to <paramref name="common"/>.</returns>
public delegate int SharingRule(int common, int one, int other);
