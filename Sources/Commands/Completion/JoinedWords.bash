# Bash splits words at ":" and "=". This joins the words up to the cursor again, except an option and
# its value in --option=value, which the functions above expect as two words.
__tokencert_complete_joined() {
    local line="${COMP_LINE:0:COMP_POINT}" begun='' previous='' rest piece
    local -a words=()
    local -i index last=-1
    for ((index = 0; index <= COMP_CWORD; index++)); do
        piece="${COMP_WORDS[index]}"
        rest="${line#"${line%%[![:space:]]*}"}"
        begun=''
        if
            [[ ${last} -ge 0 && "${rest}" = "${line}" ]] &&
                [[ -z "${previous//[:=]/}" || -z "${piece//[:=]/}" ]]
        then
            begun="${words[last]}"
        else
            last+=1
        fi
        [[ "${rest}" = "${piece}"* ]] || piece="${rest}"
        line="${rest#"${piece}"}"
        previous="${piece}"
        words[last]="${begun}${piece}"
    done

    # The beginning of the word that bash does not replace: all except what it passes as $2.
    [[ -n "${previous//[:=]/}" ]] || begun="${words[last]}"
    if
        [[ ${last} -gt 0 && "${words[last]}" = --*=* ]] &&
            [[ " ${words[*]:0:last} " != *' -- '* ]]
    then
        piece="${words[last]}"
        words[last]="${piece%%=*}"
        last+=1
        words[last]="${piece#*=}"
        begun="${begun#*=}"
    fi

    __tokencert_complete_words "${1}" "${begun}${2}"
    if [[ ${last} -eq 2 && ("${words[1]}" = history || "${words[1]}" = resume) ]]; then
        # Bash would sort the numbers of orders by their first digits.
        compopt -o nosort 2>/dev/null
        if [[ "${words[1]}" = history ]]; then
            words=("${words[0]}" history show "${words[2]}")
            __tokencert_complete_words "${1}" "${begun}${2}"
        fi
    fi
    trap - RETURN

    begun="${begun//\\/}"
    words=("${COMPREPLY[@]}")
    COMPREPLY=()
    for piece in "${words[@]}"; do
        [[ "${piece}" = "${begun}"* ]] && COMPREPLY+=("${piece#"${begun}"}")
    done
    [[ ${#COMPREPLY[@]} -ne 1 || "${COMPREPLY[0]}" != *[:/] ]] || compopt -o nospace 2>/dev/null
}

__tokencert_complete_words() {
    local -a COMP_WORDS=("${words[@]}")
    local -i COMP_CWORD="$((${#words[@]} - 1))"
    local COMP_LINE
    printf -v COMP_LINE '%s ' "${words[@]}"
    COMP_LINE="${COMP_LINE% }"
    local -i COMP_POINT="${#COMP_LINE}"
    _tokencert "${1}" "${2}" "${words[COMP_CWORD - 1]}"
}

complete -o filenames -F __tokencert_complete_joined tokencert
