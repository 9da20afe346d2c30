namespace Tulu2.Data.Chat;

/// <summary>The chat template for other programs.</summary>
public static class ChatTemplate
{
    /// <summary>
    /// <see cref="ChatEncoder"/>'s text as a Jinja template of Hugging Face's kind. As in the released TÜLU 2 models it leaves out the beginning
    /// token: the tokenizer adds it, and would add no word boundary after one in the text. The template has no line breaks of its own, so that it does not
    /// depend on how a renderer trims blocks.
    /// </summary>
    public const string Jinja =
        "{% for message in messages %}"
        + "{% if message['role'] not in ['system', 'user', 'assistant'] %}"
        + "{{ raise_exception('a turn is of system, user or assistant, not of ' + message['role']) }}{% endif %}"
        + "{% set content = message['content'] | trim %}"
        + "{% if message['role'] == 'assistant' %}"
        + @"{{ '<|assistant|>\n' + content + eos_token }}{% if not loop.last or add_generation_prompt %}{{ '\n' }}{% endif %}"
        + "{% elif loop.last and not add_generation_prompt %}"
        + @"{{ ('<|' + message['role'] + '|>\n' + content) | trim }}"
        + "{% else %}"
        + @"{{ '<|' + message['role'] + '|>\n' + content + '\n' }}"
        + "{% endif %}{% endfor %}"
        + @"{% if add_generation_prompt %}{{ '<|assistant|>\n' }}{% endif %}";
}
