"""The vocabulary of orders to a model, by the part a word plays; several languages share one table."""

from __future__ import annotations

from enum import IntFlag, auto

from governance.guardrails.injection.views import plain_word


class Part(IntFlag):
    """The parts of speech of a prompt injection."""

    OVERRIDE = auto()  # ignore, forget, bypass
    LIFT = auto()  # remove, disable: harmless verbs unless their object is a safeguard
    RULES = auto()  # instructions, prompt, guidelines
    SAFEGUARD = auto()  # restrictions, filters, guardrails
    SAID = auto()  # everything, text, conversation: what stands above
    EARLIER = auto()  # previous, above, original
    YOURS = auto()  # your
    ALL = auto()  # all, any
    INNER = auto()  # system, hidden, initial
    REVEAL = auto()  # show, repeat, print
    ASK = auto()  # what, which
    OBEY = auto()  # follow, comply
    NEVER = auto()  # not, stop, without
    PERSONA = auto()  # act, pretend, you are now
    FREE = auto()  # uncensored, unrestricted
    VICE = auto()  # illegal, unethical
    SEND = auto()  # forward, upload
    SECRET = auto()  # passwords, credentials
    PLACE = auto()  # URL, e-mail address
    MACHINE = auto()  # AI, assistant, model
    READING = auto()  # summarizing, reading, processing
    USER = auto()  # the user
    TELLING = auto()  # mention, inform, notify
    NEW = auto()  # new, real, updated
    GOAL = auto()  # task, objective, mission
    PROMPT = auto()  # prompt, instructions: the narrow sense of RULES
    MODAL = auto()  # must, should
    ACT = auto()  # call, delete, recommend: what an agent can do
    ABROAD = auto()  # an override verb of a language with its own word order
    # Other languages by their stems (`abroad`), in any order:
    DROP = auto()  # ignore
    NAY = auto()  # not
    HEED = auto()  # follow
    ORDERS = auto()  # rules
    PAST = auto()  # previous
    CLOSE = auto()  # hidden, system
    UTTER = auto()  # show
    SPOKEN = auto()  # told
    WHOLE = auto()  # everything
    LACK = auto()  # without
    BOUNDS = auto()  # restrictions
    BEING = auto()  # you are, an AI
    MAIL = auto()  # send
    GOODS = auto()  # passwords, e-mails
    INFORM = auto()  # tell
    READER = auto()  # assistant
    SYSTEM = auto()  # system
    MESSAGE = auto()  # prompt
    PREPROMPT = auto()  # system prompt, in one word
    OWN = auto()  # your
    EXACT = auto()  # word for word
    MORE = auto()  # no longer
    QUERY = auto()  # what is
    BOW = auto()  # obey
    SOLE = auto()  # only
    BOX = auto()  # mailbox, conversation
    TENETS = auto()  # instructions, rules: the narrow sense, without orders and policies
    SHED = auto()  # scrap, erase
    VOID = auto()  # cancelled, invalid
    SHAKEN = auto()  # wrong, changed
    TOLD = auto()  # told, programmed
    YOU = auto()  # you
    MAKERS = auto()  # developers
    POSE = auto()  # pretend
    ADMIN = auto()  # admin, database
    THOU = auto()  # you, in other languages
    THINE = auto()  # your rules, in one word
    DEED = auto()  # delete, recommend, in other languages


_WORDS = {
    Part.OVERRIDE: "ignore ignoring disregard disregarding forget forgetting override overriding overrule bypass "
    "bypassing circumvent neglect overlook dismiss unlearn discard abandon nullify violate "
    "ignora ignorad ignore ignoren ignorez ignorer ignoriere ignorieren ignorier ignoriert vergiss vergesst vergesse "
    "vergessen missachte oublie oubliez oublier olvida olvide olviden olvidate olvidar dimentica dimenticate "
    "dimenticare ignorare ignorate esqueca esquecer esquece desconsidere desconsidera ignorar negeer vergeet negeren "
    "zignoruj ignoruj zapomnij zapomen ignorera glöm ignorér ignorati ignoră uită ignorirati ignorisi omite descarta",
    Part.ABROAD: "игнорируй игнорируйте проигнорируй проигнорируйте забудь забудьте игнорировать ігноруй забудь unut "
    "unutun yoksay dikkate görmezden تجاهل تجاهلي انس انسى तिरस्कार अनदेखा नजरअंदाज नज़रअंदाज़ भूल abaikan lupakan "
    "kalimutan huwag התעלם התעלמו שכח αγνοησε αγνοηστε ξεχασε উপেক্ষা ভুলে نادیده فراموش puuza sahau hunsa",
    Part.LIFT: "remove disable deactivate drop suspend lift erase delete clear reset break evade skip stop turn switch "
    "without no avoid defeat unlock cancel void entferne deaktiviere desactiva desactive elimina",
    Part.RULES: "instruction instructions directive directives prompt prompts rule rules guideline guidelines "
    "orders command commands directions programming guidance protocol protocols policies policy preprompt mandate "
    "anweisung anweisungen instruktion instruktionen instruktioner befehl befehle regeln vorgaben richtlinien "
    "instruccion instrucciones ordenes indicaciones reglas directrices consignes consigne regles directives "
    "istruzioni regole direttive instrucoes instrucao regras diretrizes инструкции инструкций инструкцию указания "
    "указаний правила правил команды інструкції instructies opdrachten regels talimatlari talimatlar talimat "
    "instrukcje instrukcji polecenia zasady التعليمات تعليمات الأوامر निर्देश निर्देशों instruksi perintah instruktioner "
    "instrukce pokyny instructiunile instrucțiunile ההוראות הוראות οδηγιες εντολες নির্দেশ নির্দেশাবলী دستورات "
    "utasításokat ohjeet maagizo tagubilin",
    Part.PROMPT: "instruction instructions directive directives prompt prompts preprompt systemprompt preamble "
    "anweisungen instruktionen instrucciones consignes istruzioni instrucoes инструкции",
    Part.SAFEGUARD: "restriction restrictions guardrail guardrails safeguard safeguards filter filters limitation "
    "limitations constraint constraints censorship safety moderation alignment ethics ethical moral morals limits "
    "boundaries confines einschränkungen beschränkungen restricciones limitaciones restrizioni restricoes ограничений "
    "ограничения filtros filtres",
    Part.SAID: "everything anything text words message messages context conversation content contents sentence "
    "paragraph input lines information assignment assignments task tasks request requests question questions query alles todo tout tutto tudo все всё",
    Part.EARLIER: "previous prior above earlier preceding foregoing former past original originally initial initially "
    "existing before beforehand previously aforementioned preceeding vorherigen vorherige vorige vorigen bisherigen "
    "obigen obige zuvor davor früheren vorangegangenen anteriores anterior previas previa previos antes precedentes "
    "precedente precedents precedent dessus avant precedenti predecenti prima sopra acima предыдущие предыдущих "
    "прошлые прежние предыдущую попередні eerdere voorgaande bovenstaande önceki wcześniejsze poprzednie poprzednich "
    "السابقة पिछले पिछली पूर्व sebelumnya tidigare tidligere předchozí anterioare הקודמות προηγουμενες আগের পূর্ববর্তী "
    "قبلی korábbi aiemmat nakaraang naunang",
    Part.YOURS: "your yours ur deine deinen deiner dein ihre ihren tu tus su sus ta ton tes votre vos tuo tuoi "
    "tue tua sua seu seus suas твои твой ваши ваш твоих senin kamu",
    Part.ALL: "all any every each samtliche alle allen todas todos toda toutes tous tutte tutti todas все всех wszystkie alla bütün "
    "tüm جميع كل सभी semua כל ολες",
    Part.INNER: "system initial initially hidden secret original internal developer underlying confidential core base "
    "first exact full entire complete raw verbatim preset predefined backend private startup "
    "sistema systeme système систем системный системную ursprünglichen inicial iniciais nascoste",
    Part.REVEAL: "reveal show print display output repeat tell give share disclose expose leak dump recite echo provide "
    "list write return summarize summarise paraphrase translate copy paste quote spell encode state describe say "
    "rewrite rephrase recast type export send append see read view know access render convert reproduce restate "
    "zeige zeig nenne gib verrate wiederhole drucke muestra muestrame revela revelame dime repite imprime montre "
    "montrez revele affiche repete repetez donne dis mostra mostrami rivela dimmi ripeti mostre diga repita "
    "покажи раскрой повтори выведи скажи напечатай göster pokaż ujawnij اعرض اكشف tunjukkan",
    Part.ASK: "how what whats which was welche cuales cual quelles quali quais какие какой",
    Part.OBEY: "follow following obey obeying adhere comply complying abide bound restricted limited constrained "
    "governed listen respect heed subject confined tied",
    Part.NEVER: "not don dont never stop cease quit without no longer needn doesn isn aren cannot free freed "
    "released exempt broken",
    Part.PERSONA: "act acting pretend pretending roleplay roleplaying simulate simulating simulation imagine "
    "become becoming play playing persona character role emulate embody impersonate mode now be behave named called",
    Part.FREE: "unrestricted uncensored unfiltered jailbroken unlimited amoral rogue unbound unaligned unchained "
    "unhinged unmoderated unconstrained limitless omnipotent jailbreak uncontrolled lawless liberated ruleless dan dude stan "
    "machiavellian antigpt evilbot freegpt",
    Part.VICE: "illegal unethical immoral harmful offensive dangerous explicit violent hateful nsfw unlawful "
    "inappropriate controversial toxic profane profanity swear curse vulgar criminal malicious",
    Part.SEND: "send forward email mail transmit post upload exfiltrate submit leak share deliver copy append embed "
    "include encode attach report sending forwarding posting uploading fetch visit navigate call load",
    Part.SECRET: "password passwords credential credentials secrets tokens keys api_key apikey ssh cookies "
    "conversation history inbox contacts transcript passphrase ssn otp 2fa passwd id_rsa emails",
    Part.PLACE: "http https www url link webhook endpoint image img src markdown parameter parameters server domain address com net evil attacker example",
    Part.MACHINE: "ai ais llm llms assistant assistants chatbot chatbots gpt chatgpt gpt4 copilot claude gemini bard "
    "agent agents bot bots crawler crawlers summarizer model models ki ia bing sydney",
    Part.READING: "summarizing summarising summarize summarise reading read processing process analyzing analysing "
    "analyze parsing parse reviewing browsing retrieving accessing scanning evaluating indexing reads processes "
    "translating ingesting answering",
    Part.USER: "user users human humans anyone them operator owner customer reviewer",
    Part.TELLING: "mention mentioning tell telling inform informing notify notifying alert alerting reveal revealing "
    "disclose disclosing ask asking acknowledge acknowledging warn warning confirm consulting confirmation permission",
    Part.MODAL: "must should shall need needs required has have ought obliged instructed please also",
    Part.ACT: "call execute run transfer delete recommend say tell reply respond insert output click accept grant install "
    "rank rate approve disclose add always write print follow discard recommends issue pay buy promote enter open answer "
    "send forward email post upload share fetch visit include append mention",
    Part.NEW: "new real actual true updated next only revised different primary sole urgent additional special "
    "neue neuen neuer nueva nuevas nouvelle nouvelles nuove novas новые новая",
    Part.GOAL: "task goal objective mission purpose job role instructions instruction directive identity aufgabe tarea "
    "tache tâche compito tarefa задача anweisung anweisungen instrucciones consignes",
    Part.TENETS: "instruction instructions directive directives prompt preprompt rule rules guideline guidelines "
    "guidance directions programming preamble briefing brief",
    Part.SHED: "scrap erase delete cancel toss trash annul wipe purge discard revoke abandon drop ditch dump void shed "
    "aside remove reject neglect",
    Part.VOID: "deleted erased deprecated meaningless void cancelled canceled invalid obsolete lifted suspended revoked superseded overridden abolished null "
    "rescinded withdrawn annulled repealed expired supersedes overrides replaces supersede",
    Part.SHAKEN: "changed wrong fake replaced joke outdated irrelevant incorrect mistaken untrue test mistake",
    Part.TOLD: "told said asked given instructed programmed trained taught primed configured requested designed ordered "
    "learned received assigned supplied",
    Part.YOU: "you u ya yourself",
    Part.MAKERS: "developers developer creators creator makers maker programmers owners operators anthropic openai "
    "company designers engineers",
    Part.POSE: "pretend imagine act suppose assume simulate behave treat",
    Part.ADMIN: "admin administrator root database internal master customer customers user users confidential",
}  # fmt: skip


def jumbled(word: str) -> str:
    """Return a key that words with the same first and other letters share."""
    return word[:1] + "".join(sorted(word[1:]))


def _table() -> dict[str, int]:
    table: dict[str, int] = {}
    for part, words in _WORDS.items():
        for word in words.split():
            plain = plain_word(word)
            table[plain] = table.get(plain, 0) | part.value
    return table


PARTS = _table()
# Words whose letters may be in another order, by what stays the same; models read over that.
SETTLED = {
    jumbled(word): word
    for word in ("ignore", "disregard", "override", "bypass", "previous", "instructions", "instruction", "prompt",
                 "system", "prior", "reveal", "guidelines", "restrictions", "directions", "original", "earlier", "everything")
}  # fmt: skip
JUMBLED = {key: PARTS[word] for key, word in SETTLED.items()}
FEWEST_JUMBLED = 5  # letters of a word that is read so
