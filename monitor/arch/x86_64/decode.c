/* SPDX-License-Identifier: MIT */
#include <Zydis/Zydis.h>

#include "stub.h"

static ZydisDecoder decoder;

void insn_init(void)
{
	ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
}

static bool decode(uintptr_t at, uintptr_t end, ZydisDecodedInstruction *z)
{
	size_t room = end - at;

	if (room > ZYDIS_MAX_INSTRUCTION_LENGTH)
		room = ZYDIS_MAX_INSTRUCTION_LENGTH;
	return at < end && ZYAN_SUCCESS(ZydisDecoderDecodeInstruction(&decoder, NULL,
								      (const void *)at, room, z));
}

uint8_t insn_length(uintptr_t at, uintptr_t end)
{
	ZydisDecodedInstruction z;

	return decode(at, end, &z) ? z.length : 0;
}

/*
 * Calls stay where they are: their return address is looked at by unwinders
 * and by the code called. loop and jrcxz have no long form. An endbr64 is a
 * place that is branched to.
 */
static enum insn_kind kind_of(const ZydisDecodedInstruction *z)
{
	switch (z->mnemonic) {
	case ZYDIS_MNEMONIC_SYSCALL:
		return INSN_SYSCALL;
	case ZYDIS_MNEMONIC_NOP:
	case ZYDIS_MNEMONIC_INT3:
		return INSN_PADS;
	case ZYDIS_MNEMONIC_ENDBR64:
	case ZYDIS_MNEMONIC_HLT:
	case ZYDIS_MNEMONIC_UD0:
	case ZYDIS_MNEMONIC_UD1:
	case ZYDIS_MNEMONIC_UD2:
	case ZYDIS_MNEMONIC_XBEGIN:
	case ZYDIS_MNEMONIC_JCXZ:
	case ZYDIS_MNEMONIC_JECXZ:
	case ZYDIS_MNEMONIC_JRCXZ:
	case ZYDIS_MNEMONIC_LOOP:
	case ZYDIS_MNEMONIC_LOOPE:
	case ZYDIS_MNEMONIC_LOOPNE:
		return INSN_STAYS;
	default:
		break;
	}
	if (z->meta.branch_type == ZYDIS_BRANCH_TYPE_FAR)
		return INSN_STAYS;
	switch (z->meta.category) {
	case ZYDIS_CATEGORY_CALL:
	case ZYDIS_CATEGORY_INTERRUPT:
	case ZYDIS_CATEGORY_SYSCALL:
	case ZYDIS_CATEGORY_SYSRET:
		return INSN_STAYS;
	case ZYDIS_CATEGORY_RET:
	case ZYDIS_CATEGORY_UNCOND_BR:
		return INSN_ENDS;
	default:
		return INSN_MOVES;
	}
}

bool insn_decode(uintptr_t at, uintptr_t end, struct insn *i)
{
	ZydisDecodedInstruction z;

	if (!decode(at, end, &z))
		return false;
	*i = (struct insn){.length = z.length, .kind = kind_of(&z)};
	if (z.raw.imm[0].is_relative && (i->kind == INSN_MOVES || i->kind == INSN_ENDS)) {
		bool always = z.meta.category == ZYDIS_CATEGORY_UNCOND_BR;

		if ((z.meta.category != ZYDIS_CATEGORY_COND_BR && !always) ||
		    z.raw.imm[0].size == 16) {
			i->kind = INSN_STAYS; /* whatever it is */
			return true;
		}
		i->branch = z.raw.imm[0].size / 8;
		i->condition = always ? 16 : z.opcode & 15;
		i->target = at + z.length + (uintptr_t)z.raw.imm[0].value.s;
	} else if ((z.attributes & ZYDIS_ATTRIB_HAS_MODRM) && z.raw.modrm.mod == 0 &&
		   z.raw.modrm.rm == 5) {
		if (z.address_width != 64 || z.raw.disp.size != 32) {
			i->kind = INSN_STAYS;
			return true;
		}
		i->address = (uint8_t)(z.length - z.raw.disp.offset);
		i->target = at + z.length + (uintptr_t)z.raw.disp.value;
	}
	return true;
}
